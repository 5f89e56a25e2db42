/// Everything a program needs to read, write and repair Redis and Valkey persistence files, under
/// one import.
@_exported public import AOF
@_exported public import Bytes
@_exported public import Keyspace
@_exported public import Operations
@_exported public import RDB
