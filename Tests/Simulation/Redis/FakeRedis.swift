/// A Redis in memory: the commands that Headway sends, one at a time, as Redis 7 answers them.
///
/// Knows no network and no time of its own: bytes come in by ``receive(_:from:)``, what is to be sent lies in each
/// client's ``Client/output``, and ``wall`` says what time it is. A command that it does not know ends the program.
final class FakeRedis {
    final class Client {
        let id: Int
        var reader = CommandReader()
        var output = ReplyWriter()
        /// What is queued since `MULTI`.
        var queued: [[Bytes]]?
        var isAborted = false
        var watched: Set<Bytes> = []
        var isWatchBroken = false
        var channels: [Bytes] = []
        var blocked: Block?
        /// How often it began to wait.
        var blocks = 0
        /// Blocked until just now: its next command comes in another turn of the server.
        var isResuming = false

        init(id: Int) { self.id = id }
    }

    /// An `XREAD BLOCK` that waits.
    struct Block {
        var key: Bytes
        var after: EntryID
        var count: Int
        /// Milliseconds from when it began.
        var limit: Int
    }

    /// What a server refuses at the moment.
    enum Refusal {
        case full, readOnly, loading
    }

    var database: Database
    let replicationID: String
    /// Milliseconds since 1970.
    var wall: () -> Int64
    var refusal: Refusal?
    private(set) var clients: [Int: Client] = [:]

    /// After each unit that was executed at once: a command, or an accepted `EXEC` with all in it.
    var onExecuted: ((_ client: Int, _ unit: [[Bytes]], _ touched: [Bytes]) -> Void)?
    var onRefused: ((_ client: Int, _ command: [Bytes], _ text: String) -> Void)?
    /// A client has something in its output.
    var onOutput: ((Client) -> Void)?
    /// A client began to wait.
    var onBlocked: ((Client, _ limit: Int) -> Void)?
    /// A client may go on behind its `XREAD`.
    var onResume: ((Client) -> Void)?
    /// Somebody is about to read a stream.
    var onReading: ((_ key: Bytes, _ after: EntryID) -> Void)?
    /// Whether what is published now never reaches that client.
    var isLost: (_ client: Client, _ message: Bytes) -> Bool = { _, _ in false }
    /// How much of what it may trim `XTRIM ~` leaves there, of so many.
    var trimSlack: (Int) -> Int = { _ in 0 }

    var touched: [Bytes] = []
    var unit: [[Bytes]] = []

    init(_ database: Database = Database(), replicationID: String, wall: @escaping () -> Int64) {
        self.database = database
        self.replicationID = replicationID
        self.wall = wall
    }

    // MARK: Clients

    func open(_ id: Int) -> Client {
        let client = Client(id: id)
        clients[id] = client
        return client
    }

    func close(_ id: Int) { clients[id] = nil }

    func receive(_ bytes: ArraySlice<UInt8>, from client: Client) {
        client.reader.feed(bytes)
        work(for: client)
    }

    /// Executes what has come in whole, up to the next blocking command.
    func work(for client: Client) {
        while client.blocked == nil, !client.isResuming, clients[client.id] === client,
            let command = client.reader.next()
        {
            handle(command, from: client)
        }
        if !client.output.bytes.isEmpty { onOutput?(client) }
    }

    /// The time of a waiting `XREAD` has passed.
    func timeOut(_ client: Client) {
        guard client.blocked != nil else { return }
        client.blocked = nil
        client.output.nullArray()
        work(for: client)
    }

    func resume(_ client: Client) {
        client.isResuming = false
        work(for: client)
    }

    // MARK: Commands

    private func handle(_ command: [Bytes], from client: Client) {
        let name = command[0].text
        if let refusal, let text = text(of: refusal, name, client) {
            onRefused?(client.id, command, text)
            if name == "EXEC" {
                client.output.error("EXECABORT Transaction discarded because of: \(text)")
                endTransaction(of: client)
            } else {
                client.output.error(text)
                if client.queued != nil { client.isAborted = true }
            }
            return
        }
        switch name {
        case "MULTI":
            client.queued = []
            client.output.status("OK")
        case "EXEC": execute(client)
        case "DISCARD":
            endTransaction(of: client)
            client.output.status("OK")
        case "WATCH":
            client.watched.formUnion(command.dropFirst())
            client.output.status("OK")
        case "UNWATCH":
            unwatch(client)
            client.output.status("OK")
        default:
            if client.queued != nil {
                client.queued?.append(command)
                client.output.status("QUEUED")
                return
            }
            begin()
            run(name, command, client, isBlockable: true)
            finish(client)
        }
    }

    private static let growing: Set<String> = [
        "HSET", "HSETNX", "SET", "ZADD", "SADD", "RPUSH", "XADD", "HINCRBY",
    ]
    private static let writing: Set<String> = growing.union([
        "DEL", "HDEL", "PEXPIRE", "PERSIST", "ZREM", "SREM", "LTRIM", "XTRIM", "XDEL",
        "EVAL",
    ])

    private func text(of refusal: Refusal, _ name: String, _ client: Client) -> String? {
        let names = name == "EXEC" ? (client.queued ?? []).map { $0[0].text } : [name]
        switch refusal {
        case .loading: return "LOADING Redis is loading the dataset in memory"
        case .full:
            return names.contains { Self.growing.contains($0) }
                ? "OOM command not allowed when used memory > 'maxmemory'." : nil
        case .readOnly:
            return names.contains { Self.writing.contains($0) }
                ? "READONLY You can't write against a read only replica." : nil
        }
    }

    private func execute(_ client: Client) {
        guard let queued = client.queued else { return client.output.error("ERR EXEC without MULTI") }
        defer { endTransaction(of: client) }
        if client.isAborted {
            return client.output.error("EXECABORT Transaction discarded because of previous errors.")
        }
        if client.isWatchBroken { return client.output.nullArray() }
        begin()
        client.output.array(queued.count)
        // What it writes is nothing that breaks its own watch.
        unwatch(client)
        for command in queued { run(command[0].text, command, client, isBlockable: false) }
        finish(client)
    }

    private func endTransaction(of client: Client) {
        client.queued = nil
        client.isAborted = false
        unwatch(client)
    }

    private func unwatch(_ client: Client) {
        client.watched = []
        client.isWatchBroken = false
    }

    private func begin() {
        touched.removeAll(keepingCapacity: true)
        unit.removeAll(keepingCapacity: true)
    }

    private func finish(_ client: Client) {
        guard !unit.isEmpty else { return }
        for other in clients.values where !other.watched.isEmpty {
            for key in touched where other.watched.contains(key) { other.isWatchBroken = true }
        }
        onExecuted?(client.id, unit, touched)
        wake()
    }

    /// Serves whoever waits for what has just been added.
    private func wake() {
        for (_, client) in clients.sorted(by: { $0.key < $1.key }) {
            guard let block = client.blocked, touched.contains(block.key) else { continue }
            guard case .stream(let stream)? = database.entries[block.key]?.value, stream.last > block.after
            else {
                continue
            }
            client.blocked = nil
            client.isResuming = true
            Self.write(stream, block, to: &client.output)
            onOutput?(client)
            onResume?(client)
        }
    }

    static func write(_ stream: Stream, _ block: Block, to output: inout ReplyWriter) {
        let range = stream.range(block.after.next, .last).prefix(block.count)
        guard !range.isEmpty else { return output.nullArray() }
        output.array(1)
        output.array(2)
        output.bulk(block.key)
        write(stream.entries[range], to: &output)
    }

    static func write(_ entries: some Collection<Stream.Entry>, to output: inout ReplyWriter) {
        output.array(entries.count)
        for entry in entries {
            output.array(2)
            output.bulk(entry.id.text)
            output.array(entry.fields.count)
            for part in entry.fields { output.bulk(part) }
        }
    }

    private func run(_ name: String, _ command: [Bytes], _ client: Client, isBlockable: Bool) {
        let before = touched.count
        dispatch(name, command, client, isBlockable: isBlockable)
        if touched.count > before { unit.append(command) }
    }

    private func dispatch(_ name: String, _ command: [Bytes], _ client: Client, isBlockable: Bool) {
        switch name {
        case "HGET", "HMGET", "HGETALL", "HKEYS", "HLEN", "HSET", "HSETNX", "HDEL":
            runHash(name, command, &client.output)
        case "ZADD", "ZREM", "ZRANGE", "ZCOUNT", "ZCARD", "ZSCORE":
            runScores(name, command, &client.output)
        case "XADD", "XTRIM", "XDEL", "XLEN", "XRANGE", "XREVRANGE", "XINFO":
            runStream(name, command, &client.output)
        case "XREAD": read(command, client, isBlockable: isBlockable)
        case "EVAL": runScript(command, &client.output)
        case "PUBLISH": publish(command, client)
        case "SUBSCRIBE", "UNSUBSCRIBE": subscribe(name, command, client)
        case "PING":
            if client.channels.isEmpty {
                client.output.status("PONG")
            } else {
                client.output.array(2)
                client.output.bulk("pong")
                client.output.bulk("")
            }
        case "CLIENT", "SELECT", "AUTH": client.output.status("OK")
        case "TIME":
            let now = wall()
            client.output.array(2)
            client.output.bulk(String(now / 1000))
            client.output.bulk(String(now % 1000 * 1000))
        case "INFO":
            client.output.bulk(
                "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n"
                    + "master_replid:\(replicationID)\r\n"
                    + "master_replid2:0000000000000000000000000000000000000000\r\nmaster_repl_offset:0\r\n")
        default: runKey(name, command, &client.output)
        }
    }

    /// Notes that the command under way wrote `key`.
    func wrote(_ key: Bytes) { touched.append(key) }

    // MARK: Messages

    private func publish(_ command: [Bytes], _ client: Client) {
        var count = 0
        for (_, other) in clients.sorted(by: { $0.key < $1.key }) where other.channels.contains(command[1]) {
            count += 1
            if isLost(other, command[2]) { continue }
            other.output.array(3)
            other.output.bulk("message")
            other.output.bulk(command[1])
            other.output.bulk(command[2])
            onOutput?(other)
        }
        client.output.integer(count)
    }

    private func subscribe(_ name: String, _ command: [Bytes], _ client: Client) {
        for channel in command.dropFirst() {
            if name == "SUBSCRIBE" {
                if !client.channels.contains(channel) { client.channels.append(channel) }
            } else {
                client.channels.removeAll { $0 == channel }
            }
            client.output.array(3)
            client.output.bulk(name.lowercased())
            client.output.bulk(channel)
            client.output.integer(client.channels.count)
        }
    }

    // MARK: XREAD

    /// `XREAD [COUNT n] [BLOCK ms] STREAMS key id`: of one stream.
    private func read(_ command: [Bytes], _ client: Client, isBlockable: Bool) {
        var count = Int.max
        var limit: Int?
        var place = 1
        while place < command.count {
            switch command[place].text {
            case "COUNT":
                count = Int(command[place + 1].text) ?? 0
                place += 2
            case "BLOCK":
                limit = Int(command[place + 1].text)
                place += 2
            case "STREAMS":
                precondition(command.count == place + 3, "XREAD of several streams")
                let key = command[place + 1]
                guard let after = EntryID(command[place + 2]) else {
                    return client.output.error("ERR Invalid stream ID specified as stream command argument")
                }
                return read(
                    Block(key: key, after: after, count: count, limit: limit ?? 0), client,
                    isBlockable && limit != nil)
            default: preconditionFailure("XREAD \(command[place].text)")
            }
        }
    }

    private func read(_ block: Block, _ client: Client, _ mayBlock: Bool) {
        onReading?(block.key, block.after)
        switch value(block.key) {
        case .stream(let stream)?:
            if stream.last > block.after { return Self.write(stream, block, to: &client.output) }
        case nil: break
        default: return client.output.error(Self.wrongType)
        }
        guard mayBlock else { return client.output.nullArray() }
        client.blocked = block
        client.blocks += 1
        onBlocked?(client, block.limit)
    }

    static let wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"

    // MARK: Values

    /// What the key holds now; what has expired is dropped.
    func value(_ key: Bytes) -> Value? {
        guard let entry = database.entries[key] else { return nil }
        if let expiry = entry.expiry, expiry <= wall() {
            database.entries[key] = nil
            return nil
        }
        return entry.value
    }

    /// Changes a value in place; an empty one is removed, a missing one begins as `fresh`.
    func change(_ key: Bytes, orBegin fresh: Value?, _ body: (inout Value) -> Void) {
        if value(key) == nil {
            guard let fresh else { return }
            database.entries[key] = Database.Entry(value: fresh)
        }
        guard let place = database.entries.index(forKey: key) else { return }
        var value = database.entries.values[place].value
        database.entries.values[place].value = .nothing
        body(&value)
        if Self.isEmpty(value) {
            database.entries[key] = nil
        } else {
            database.entries.values[place].value = value
        }
    }

    private static func isEmpty(_ value: Value) -> Bool {
        switch value {
        case .nothing: true
        case .string, .stream: false
        case .hash(let fields): fields.isEmpty
        case .list(let items): items.isEmpty
        case .set(let items): items.isEmpty
        case .scores(let scores): scores.items.isEmpty
        }
    }
}
