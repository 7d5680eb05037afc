package import Redis

/// How an aggregator instance works; the defaults are for production.
package struct AggregatorOptions: Sendable {
    package var endpoint: RedisEndpoint
    package var namespace = "hw"
    /// Used only when the namespace is first used; later the stored number counts.
    package var partitions = 8
    /// Unique among living instances.
    package var instance: String
    /// Without a beat for this long a partition is taken over.
    package var lease = Duration.seconds(5)
    /// Most entries per read, and so most changed jobs per commit.
    package var batch = 500
    /// Most bytes of entries folded into one commit.
    package var batchBytes = 1 << 20
    /// Longest wait for new entries in one read.
    package var block = Duration.milliseconds(250)
    /// Jobs kept in memory per partition.
    package var cachedJobs = 10_000
    /// How long a settled bulk stays readable; its shares a day longer.
    package var bulkRetention = Duration.seconds(7 * 24 * 3600)
    /// How long after its job a tombstone stays.
    package var tombstoneRetention = Duration.seconds(7 * 24 * 3600)
    /// How long a source that says nothing is remembered; publishers rename themselves after half of it.
    package var sourceRetention = Duration.seconds(24 * 3600)
    /// How often some shares are compared with the index of their members.
    package var auditPause = Duration.seconds(10)
    /// The publishers' longest back-off: how long after an outage nobody is judged by silence.
    package var publisherBackoff = Duration.seconds(10)

    /// A stopping owner that hears nothing of Redis for this long leaves its lease to run out: longer than a read
    /// may wait for entries, so that a Redis that is there is not taken for gone.
    var farewell: Duration { max(block + .milliseconds(100), .milliseconds(350)) }

    /// Nil: nobody is told, and no commit costs more.
    package var webhooks: WebhookOptions?

    /// How long a standby rests between two looks. Only looks at most lease/4 apart count towards a takeover, so
    /// it looks more often than that by enough for a slow reply.
    ///
    /// - Parameter jitter: 0 to 1.
    func glance(jitter: Double) -> Duration { min(lease / 12, .milliseconds(200)) * (1 + jitter / 4) }

    package init(endpoint: RedisEndpoint, instance: String) {
        self.endpoint = endpoint
        self.instance = instance
    }
}
