/// What the live hub grants.
package struct LiveOptions: Sendable {
    /// Jobs and bulks watched at the same time, over all clients; beyond it newcomers are asked to come back.
    package var watchedLimit = 50_000
    /// Streams open at the same time; one more is told to come back.
    package var streamLimit = 10_000
    /// Running members shown of each bulk.
    package var current = 10
    /// A comment goes out on a stream after this silence, so that proxies keep it and dead peers are noticed.
    package var heartbeat = Duration.seconds(15)
    /// How long a stream stays open, silent, when all its subjects have ended.
    package var lingering = Duration.seconds(60)
    /// Over how long the farewells of a drain are spread: short, so that a restart is; ``retry`` is what spreads the
    /// clients' return.
    package var drainSpread = Duration.milliseconds(250)
    /// What clients are told to wait before they reconnect, in milliseconds: a random time in here.
    package var retry = 500...5000
    var pace = HubState<LiveImage>.Pace()

    package init() {}
}

/// What the live hub did since it was made; the first four are of this moment.
package struct LiveStats: Sendable, Equatable {
    /// Jobs and bulks that somebody watches.
    package var watched = 0
    package var streams = 0
    package var watchers = 0
    /// Subjects that slow streams have yet to be shown.
    package var waiting = 0
    package var notices = 0
    package var batches = 0
    package var reads = 0
    package var frames = 0
    /// Frames rendered in the words of a view, each for all its clients.
    package var viewFrames = 0
    /// Changes that a slow client never saw, because a later one came first.
    package var conflated = 0
    package var subscriptionsLost = 0
    /// Looks at where the partitions stand, whether they could be seen or not.
    package var looks = 0
    package var streamsOpened = 0

    package init() {}
}
