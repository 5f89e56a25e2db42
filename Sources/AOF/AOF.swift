// AOF
