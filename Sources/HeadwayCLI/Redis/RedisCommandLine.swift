/// How the embedded `redis-server` is started.
///
/// `appendfsync always`: with `everysec` a plain `kill -9` of Redis can lose events that it has acknowledged (it
/// postpones the write while a sync is under way), and a short-lived producer such as `headway publish` is not there
/// to send them again. It costs about half of the throughput, which leaves far more than a machine's workers send.
struct RedisCommandLine: Sendable, Equatable {
    enum Sync: String, Sendable, CaseIterable { case always, everysec }

    var directory: String
    var socket: String
    var sync = Sync.always

    var arguments: [String] {
        [
            "redis-server", "--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir",
            directory,
            "--daemonize", "no", "--logfile", "", "--databases", "1", "--save", "", "--appendonly", "yes",
            "--appendfsync", sync.rawValue, "--no-appendfsync-on-rewrite", "no", "--maxmemory-policy",
            "noeviction",
            // Keeps a job's hash compact when its message is longer than the default of 64 bytes.
            "--hash-max-listpack-value", "1024",
        ]
    }
}
