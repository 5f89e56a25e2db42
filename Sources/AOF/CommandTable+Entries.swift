// Written by scripts/command-table; change the list it reads, or the script.

extension CommandTable {
  /// The facts of all commands, by the raw value of their ``CommandID``.
  static let entries: [CommandInfo] = [
    CommandInfo(
      .append, "APPEND", 3, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .ardel, "ARDEL", -3, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .ardelrange, "ARDELRANGE", -4, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .arinsert, "ARINSERT", -3, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .armset, "ARMSET", -4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .arring, "ARRING", -4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .arseek, "ARSEEK", 3, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .arset, "ARSET", -4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .bitfield, "BITFIELD", -2, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .bitop, "BITOP", -4, .range(2, -1, 1), .overwrite, destructive: true),
    CommandInfo(
      .blmove, "BLMOVE", 6, .range(1, 2, 1), .modify, destructive: true),
    CommandInfo(
      .blmpop, "BLMPOP", -5, .counted(at: 2, step: 1), .delete, destructive: true),
    CommandInfo(
      .blpop, "BLPOP", -3, .range(1, -2, 1), .delete, destructive: true),
    CommandInfo(
      .brpop, "BRPOP", -3, .range(1, -2, 1), .delete, destructive: true),
    CommandInfo(
      .brpoplpush, "BRPOPLPUSH", 4, .range(1, 2, 1), .modify, destructive: true),
    CommandInfo(
      .bzmpop, "BZMPOP", -5, .counted(at: 2, step: 1), .delete, destructive: true),
    CommandInfo(
      .bzpopmax, "BZPOPMAX", -3, .range(1, -2, 1), .delete, destructive: true),
    CommandInfo(
      .bzpopmin, "BZPOPMIN", -3, .range(1, -2, 1), .delete, destructive: true),
    CommandInfo(
      .clusterFlushslot, "CLUSTER FLUSHSLOT", -3, .none, .flush, destructive: true),
    CommandInfo(
      .clusterSetslot, "CLUSTER SETSLOT", -4, .none, .nothing, destructive: false),
    CommandInfo(
      .clusterSyncslots, "CLUSTER SYNCSLOTS", -3, .none, .nothing, destructive: false),
    CommandInfo(
      .copy, "COPY", -3, .range(1, 2, 1), .overwrite, destructive: true),
    CommandInfo(
      .decr, "DECR", 2, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .decrby, "DECRBY", 3, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .del, "DEL", -2, .range(1, -1, 1), .delete, destructive: true),
    CommandInfo(
      .delex, "DELEX", -2, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .delifeq, "DELIFEQ", 3, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .eval, "EVAL", -3, .counted(at: 2, step: 1), .script, destructive: true),
    CommandInfo(
      .evalsha, "EVALSHA", -3, .counted(at: 2, step: 1), .script, destructive: true),
    CommandInfo(
      .exec, "EXEC", 1, .none, .transaction, destructive: false),
    CommandInfo(
      .expire, "EXPIRE", -3, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .expireat, "EXPIREAT", -3, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .expiremember, "EXPIREMEMBER", -4, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .fcall, "FCALL", -3, .counted(at: 2, step: 1), .script, destructive: true),
    CommandInfo(
      .flushall, "FLUSHALL", -1, .none, .flush, destructive: true),
    CommandInfo(
      .flushdb, "FLUSHDB", -1, .none, .flush, destructive: true),
    CommandInfo(
      .functionDelete, "FUNCTION DELETE", 3, .none, .script, destructive: true),
    CommandInfo(
      .functionFlush, "FUNCTION FLUSH", -2, .none, .script, destructive: true),
    CommandInfo(
      .functionLoad, "FUNCTION LOAD", -3, .none, .script, destructive: false),
    CommandInfo(
      .functionRestore, "FUNCTION RESTORE", -3, .none, .script, destructive: false),
    CommandInfo(
      .gcra, "GCRA", -5, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .gcrasetvalue, "GCRASETVALUE", 3, .range(1, 1, 1), .overwrite, destructive: true),
    CommandInfo(
      .geoadd, "GEOADD", -5, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .georadius, "GEORADIUS", -6, .store(from: 6), .overwrite, destructive: true),
    CommandInfo(
      .georadiusbymember, "GEORADIUSBYMEMBER", -5, .store(from: 5), .overwrite, destructive: true),
    CommandInfo(
      .geosearchstore, "GEOSEARCHSTORE", -8, .range(1, 2, 1), .overwrite, destructive: true),
    CommandInfo(
      .getdel, "GETDEL", 2, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .getex, "GETEX", -2, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .getset, "GETSET", 3, .range(1, 1, 1), .overwrite, destructive: true),
    CommandInfo(
      .hdel, "HDEL", -3, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .hexpire, "HEXPIRE", -6, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .hexpireat, "HEXPIREAT", -6, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .hgetdel, "HGETDEL", -5, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .hgetex, "HGETEX", -5, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .himportSet, "HIMPORT SET", -5, .range(2, 2, 1), .overwrite, destructive: true),
    CommandInfo(
      .hincrby, "HINCRBY", 4, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .hincrbyfloat, "HINCRBYFLOAT", 4, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .hmset, "HMSET", -4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .hpersist, "HPERSIST", -5, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .hpexpire, "HPEXPIRE", -6, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .hpexpireat, "HPEXPIREAT", -6, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .hset, "HSET", -4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .hsetc, "HSETC", -4, .range(1, 1, 1), .overwrite, destructive: true),
    CommandInfo(
      .hsetex, "HSETEX", -6, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .hsetnx, "HSETNX", 4, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .incr, "INCR", 2, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .incrby, "INCRBY", 3, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .incrbyfloat, "INCRBYFLOAT", 3, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .increx, "INCREX", -2, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .keydbCron, "KEYDB.CRON", -5, .none, .script, destructive: true),
    CommandInfo(
      .linsert, "LINSERT", 5, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .lmove, "LMOVE", 5, .range(1, 2, 1), .modify, destructive: true),
    CommandInfo(
      .lmpop, "LMPOP", -4, .counted(at: 1, step: 1), .delete, destructive: true),
    CommandInfo(
      .lpop, "LPOP", -2, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .lpush, "LPUSH", -3, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .lpushx, "LPUSHX", -3, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .lrem, "LREM", 4, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .lset, "LSET", 4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .ltrim, "LTRIM", 4, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .migrate, "MIGRATE", -6, .migrate, .delete, destructive: true),
    CommandInfo(
      .move, "MOVE", 3, .range(1, 1, 1), .rename, destructive: false),
    CommandInfo(
      .mset, "MSET", -3, .range(1, -1, 2), .overwrite, destructive: true),
    CommandInfo(
      .msetex, "MSETEX", -4, .counted(at: 1, step: 2), .overwrite, destructive: true),
    CommandInfo(
      .msetnx, "MSETNX", -3, .range(1, -1, 2), .create, destructive: false),
    CommandInfo(
      .multi, "MULTI", 1, .none, .transaction, destructive: false),
    CommandInfo(
      .persist, "PERSIST", 2, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .pexpire, "PEXPIRE", -3, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .pexpireat, "PEXPIREAT", -3, .range(1, 1, 1), .expire, destructive: false),
    CommandInfo(
      .pfadd, "PFADD", -2, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .pfcount, "PFCOUNT", -2, .range(1, -1, 1), .modify, destructive: false),
    CommandInfo(
      .pfdebug, "PFDEBUG", 3, .range(2, 2, 1), .modify, destructive: false),
    CommandInfo(
      .pfmerge, "PFMERGE", -2, .range(1, -1, 1), .overwrite, destructive: true),
    CommandInfo(
      .psetex, "PSETEX", 4, .range(1, 1, 1), .overwrite, destructive: true),
    CommandInfo(
      .publish, "PUBLISH", 3, .none, .nothing, destructive: false),
    CommandInfo(
      .rename, "RENAME", 3, .range(1, 2, 1), .rename, destructive: true),
    CommandInfo(
      .renamenx, "RENAMENX", 3, .range(1, 2, 1), .rename, destructive: false),
    CommandInfo(
      .restore, "RESTORE", -4, .range(1, 1, 1), .overwrite, destructive: true),
    CommandInfo(
      .restoreAsking, "RESTORE-ASKING", -4, .range(1, 1, 1), .overwrite, destructive: true),
    CommandInfo(
      .rpop, "RPOP", -2, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .rpoplpush, "RPOPLPUSH", 3, .range(1, 2, 1), .modify, destructive: true),
    CommandInfo(
      .rpush, "RPUSH", -3, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .rpushx, "RPUSHX", -3, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .sadd, "SADD", -3, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .scriptFlush, "SCRIPT FLUSH", -2, .none, .script, destructive: false),
    CommandInfo(
      .scriptLoad, "SCRIPT LOAD", 3, .none, .script, destructive: false),
    CommandInfo(
      .sdiffstore, "SDIFFSTORE", -3, .range(1, -1, 1), .overwrite, destructive: true),
    CommandInfo(
      .select, "SELECT", 2, .none, .keyspace, destructive: false),
    CommandInfo(
      .set, "SET", -3, .range(1, 1, 1), .overwrite, destructive: true),
    CommandInfo(
      .setbit, "SETBIT", 4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .setex, "SETEX", 4, .range(1, 1, 1), .overwrite, destructive: true),
    CommandInfo(
      .setnx, "SETNX", 3, .range(1, 1, 1), .create, destructive: false),
    CommandInfo(
      .setrange, "SETRANGE", 4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .sflush, "SFLUSH", -3, .none, .flush, destructive: true),
    CommandInfo(
      .sinterstore, "SINTERSTORE", -3, .range(1, -1, 1), .overwrite, destructive: true),
    CommandInfo(
      .smove, "SMOVE", 4, .range(1, 2, 1), .modify, destructive: true),
    CommandInfo(
      .sort, "SORT", -2, .store(from: 2), .overwrite, destructive: true),
    CommandInfo(
      .spop, "SPOP", -2, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .spublish, "SPUBLISH", 3, .range(1, 1, 1), .nothing, destructive: false),
    CommandInfo(
      .srem, "SREM", -3, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .sunionstore, "SUNIONSTORE", -3, .range(1, -1, 1), .overwrite, destructive: true),
    CommandInfo(
      .swapdb, "SWAPDB", 3, .none, .keyspace, destructive: false),
    CommandInfo(
      .trimslots, "TRIMSLOTS", -5, .none, .flush, destructive: true),
    CommandInfo(
      .unlink, "UNLINK", -2, .range(1, -1, 1), .delete, destructive: true),
    CommandInfo(
      .vadd, "VADD", -5, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .vrem, "VREM", 3, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .vsetattr, "VSETATTR", 4, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .xack, "XACK", -4, .range(1, 1, 1), .streamGroup, destructive: false),
    CommandInfo(
      .xackdel, "XACKDEL", -6, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .xadd, "XADD", -5, .range(1, 1, 1), .modify, destructive: true),
    CommandInfo(
      .xautoclaim, "XAUTOCLAIM", -6, .range(1, 1, 1), .streamGroup, destructive: false),
    CommandInfo(
      .xcfgset, "XCFGSET", -2, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .xclaim, "XCLAIM", -6, .range(1, 1, 1), .streamGroup, destructive: false),
    CommandInfo(
      .xdel, "XDEL", -3, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .xdelex, "XDELEX", -5, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .xgroup, "XGROUP", -2, .range(2, 2, 1), .streamGroup, destructive: true),
    CommandInfo(
      .xgroupCreate, "XGROUP CREATE", -5, .range(2, 2, 1), .streamGroup, destructive: false),
    CommandInfo(
      .xgroupCreateconsumer, "XGROUP CREATECONSUMER", 5, .range(2, 2, 1), .streamGroup,
      destructive: false),
    CommandInfo(
      .xgroupDelconsumer, "XGROUP DELCONSUMER", 5, .range(2, 2, 1), .streamGroup, destructive: true),
    CommandInfo(
      .xgroupDestroy, "XGROUP DESTROY", 4, .range(2, 2, 1), .streamGroup, destructive: true),
    CommandInfo(
      .xgroupSetid, "XGROUP SETID", -5, .range(2, 2, 1), .streamGroup, destructive: false),
    CommandInfo(
      .xidmprecord, "XIDMPRECORD", 5, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .xnack, "XNACK", -7, .range(1, 1, 1), .streamGroup, destructive: false),
    CommandInfo(
      .xreadgroup, "XREADGROUP", -7, .streams, .streamGroup, destructive: false),
    CommandInfo(
      .xsetid, "XSETID", -3, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .xtrim, "XTRIM", -4, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .zadd, "ZADD", -4, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .zdiffstore, "ZDIFFSTORE", -4, .destination, .overwrite, destructive: true),
    CommandInfo(
      .zincrby, "ZINCRBY", 4, .range(1, 1, 1), .modify, destructive: false),
    CommandInfo(
      .zinter, "ZINTER", -4, .destination, .overwrite, destructive: true),
    CommandInfo(
      .zinterstore, "ZINTERSTORE", -4, .destination, .overwrite, destructive: true),
    CommandInfo(
      .zmpop, "ZMPOP", -4, .counted(at: 1, step: 1), .delete, destructive: true),
    CommandInfo(
      .zpopmax, "ZPOPMAX", -2, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .zpopmin, "ZPOPMIN", -2, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .zrangestore, "ZRANGESTORE", -5, .range(1, 2, 1), .overwrite, destructive: true),
    CommandInfo(
      .zrem, "ZREM", -3, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .zremrangebylex, "ZREMRANGEBYLEX", 4, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .zremrangebyrank, "ZREMRANGEBYRANK", 4, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .zremrangebyscore, "ZREMRANGEBYSCORE", 4, .range(1, 1, 1), .delete, destructive: true),
    CommandInfo(
      .zunion, "ZUNION", -4, .destination, .overwrite, destructive: true),
    CommandInfo(
      .zunionstore, "ZUNIONSTORE", -4, .destination, .overwrite, destructive: true),
  ]
}
