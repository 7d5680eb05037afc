import EventLoop
import Foundation
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import Headway

@Suite("Spool", .timeLimit(.minutes(4)), .serialized)
struct SpoolTests {
    private let directory = ScratchDirectory()
    private var spool: String { directory.file("spool") }

    private var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? []).sorted()
    }

    private func read(_ name: String) throws -> SpoolReading {
        SpoolReading(try SpoolFile.read("\(spool)/\(name)"))
    }

    /// What a process leaves that is killed: the events of one job, and nobody who holds the file.
    @discardableResult
    private func leave(
        _ scene: Scene, job: String, numbers: ClosedRange<Int64>, source: String = "dead",
        at time: Timestamp = .wallClock, change: (inout [UInt8]) -> Void = { _ in }
    ) throws -> String {
        var bytes: [UInt8] = []
        for number in numbers {
            let word: JobWord =
                number == 1
                ? .started(worker: "w-0", Registration(pipeline: PipelineName(name: "article")))
                : .stageProgressed(
                    StageMention("research"), .count(done: Int(number), total: 100), substep: nil)
            var event = ProgressEvent(JobID(unchecked: job), word, attempt: 1)
            event.sequence = ProgressEvent.Sequence(source: source, id: number)
            var fields = FieldBuffer()
            event.encode(into: &fields)
            SpoolRecord(time: time, fields: fields).encode(into: &bytes)
        }
        change(&bytes)
        try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: true)
        let name = SpoolName(scene.keyspace, source: source).description
        try Data(bytes).write(to: URL(filePath: "\(spool)/\(name)"))
        return name
    }

    private func work(_ headway: Headway, _ id: String) async throws {
        let job = try await headway.start(Article.self, id: id)
        for stage in Article.Stage.allCases { try await job.run(stage) { $0.report(1, of: 1) } }
        try await job.complete()
    }

    @Test(
        "what a call has returned for is in the file, Redis away or not, and goes when it is applied for good"
    )
    func lifecycle() async throws {
        let scene = try await Scene.open(appendOnly: .always)
        let headway = try await scene.connect {
            $0.spool = spool
            $0.failoverWindow = .zero
            $0.lookInterval = .milliseconds(20)
        }
        let name = try #require(files.first)
        #expect(files.count == 1)
        await scene.server.kill()
        try await work(headway, "a-1")
        let events = try read(name).records
        #expect(events.count >= 8)
        let last = try ProgressEvent(fields: try #require(events.last).fields)
        #expect(last.body == .job(JobID(unchecked: "a-1"), .completed(result: nil, message: nil)))
        #expect(headway.statistics.spool?.written == Int64(events.count))

        try await scene.server.restart()
        try await headway.flush(within: .seconds(10))
        try await scene.applyAll()
        #expect(await eventually(within: .seconds(10)) { headway.statistics.spool?.bytes == 0 })
        #expect(try read(name).records.isEmpty)
        try await headway.close()
        #expect(files.isEmpty)
    }

    @Test("what was not applied when a process ended stays, and the next one sends it, under its own numbers")
    func handedOn() async throws {
        let scene = try await Scene.open(appendOnly: .always)
        let first = try await scene.connect { $0.spool = spool }
        await scene.server.kill()
        try await work(first, "a-1")
        // Nothing is lost: no error.
        try await first.close(within: .milliseconds(50))
        #expect(files.count == 1)
        try await scene.server.restart()

        let second = try await scene.connect {
            $0.spool = spool
            $0.failoverWindow = .milliseconds(300)
            $0.lookInterval = .milliseconds(20)
        }
        // `connect` returns when it is in Redis, so what this process says comes after it.
        let (events, isExact) = try await scene.heard(of: "a-1")
        #expect(isExact)
        #expect(events.types.last == "job.completed")
        #expect(second.statistics.spool?.adopted == 1)
        #expect(files.count == 2)
        try await scene.applyAll()
        #expect(await eventually(within: .seconds(10)) { second.statistics.spool?.finished == 1 })
        #expect(second.statistics.spool?.unapplied == 0)
        #expect(files.count == 1)
        try await second.close()
        #expect(files.isEmpty)
    }

    @Test("two processes in one directory: each has its file, and neither touches the other's")
    func shared() async throws {
        let scene = try await Scene.open()
        let one = try await scene.connect { $0.spool = spool }
        let two = try await scene.connect { $0.spool = spool }
        try await work(one, "a-1")
        try await work(two, "a-2")
        #expect(files.count == 2)
        #expect(one.statistics.spool?.adopted == 0 && two.statistics.spool?.adopted == 0)
        for headway in [one, two] { try await headway.flush() }
        try await scene.applyAll()
        try await one.close()
        #expect(files.count == 1)
        try await two.close()
        #expect(files.isEmpty)
    }

    @Test("a torn end is no loss; a damaged place is counted, the rest is sent, and the file is put aside")
    func damaged() async throws {
        let scene = try await Scene.open()
        var length = 0
        try leave(scene, job: "a-1", numbers: 1...3, source: "torn") { bytes in
            bytes.removeLast(5)
            length = bytes.count
        }
        try leave(scene, job: "a-2", numbers: 1...5, source: "bad") { bytes in
            bytes[bytes.count / 2] ^= 0xff
        }
        let headway = try await scene.connect {
            $0.spool = spool
            $0.failoverWindow = .zero
            $0.lookInterval = .milliseconds(20)
        }
        let told = try #require(headway.statistics.spool)
        #expect(told.adopted == 2 && told.damages == 1 && told.missing == 1)
        #expect(told.tornBytes > 0 && told.tornBytes < Int64(length))
        #expect(try await scene.heard(of: "a-1").events.count == 2)
        let numbers = try await scene.said(of: "a-2").compactMap { $0["id"] }
        #expect(numbers == ["1", "2", "4", "5"])
        try await scene.applyAll()
        #expect(await eventually(within: .seconds(10)) { headway.statistics.spool?.finished == 2 })
        #expect(files.filter { $0.hasSuffix(".damaged") }.count == 1)
        #expect(files.filter { $0.hasSuffix(".spool") }.count == 1)
        try await headway.close()
    }

    @Test("what is applied already is not sent again, and a file whose failover window is past goes at once")
    func applied() async throws {
        let scene = try await Scene.open()
        let partition = scene.keyspace.partition(of: JobID(unchecked: "a-1"))
        try await scene.redis("HSET", scene.keyspace.sources(partition), "dead", "3:1000")
        try leave(scene, job: "a-1", numbers: 1...3, at: Timestamp(milliseconds: 1_000_000))
        let headway = try await scene.connect { $0.spool = spool }
        #expect(headway.statistics.spool?.finished == 1)
        #expect(try await scene.said(of: "a-1").isEmpty)
        #expect(files.count == 1)
        try await headway.close()
    }

    @Test("a Redis that falls back within the failover window gets a dead process's events once more")
    func rolledBack() async throws {
        let scene = try await Scene.open()
        try leave(scene, job: "a-1", numbers: 1...4)
        let headway = try await scene.connect {
            $0.spool = spool
            $0.lookInterval = .milliseconds(20)
        }
        let partition = scene.keyspace.partition(of: JobID(unchecked: "a-1"))
        try await scene.applyAll()
        #expect(await eventually { headway.statistics.spool?.unapplied == 0 })
        #expect(files.count == 2)
        try await scene.redis("HSET", scene.keyspace.sources(partition), "dead", "2:1000")
        #expect(
            try await eventually {
                try await scene.said(of: "a-1").compactMap { $0["id"] } == ["1", "2", "3", "4", "3", "4"]
            })
        try await headway.close(within: .milliseconds(100))
        // Not applied: the next process has it.
        #expect(files.contains { $0.contains(".dead.") })
    }

    @Test("spools of other namespaces, and files that are none, are left alone")
    func foreign() async throws {
        let scene = try await Scene.open()
        let name = try leave(scene, job: "a-1", numbers: 1...2)
        let other = name.replacing("hw.8.", with: "other.8.")
        let wider = name.replacing("hw.8.", with: "hw.16.")
        for target in [other, wider, "notes.txt"] {
            try FileManager.default.copyItem(atPath: "\(spool)/\(name)", toPath: "\(spool)/\(target)")
        }
        try FileManager.default.removeItem(atPath: "\(spool)/\(name)")
        let headway = try await scene.connect { $0.spool = spool }
        #expect(headway.statistics.spool?.adopted == 0)
        try await headway.close()
        #expect(files == [wider, "notes.txt", other].sorted())
    }

    @Test("a directory that cannot be used is a typed error that says what to do")
    func unusable() async throws {
        let scene = try await Scene.open()
        try Data().write(to: URL(filePath: directory.file("file")))
        for (path, culprit) in [
            (directory.file("file"), directory.file("file")),
            (directory.file("file/below"), directory.file("file")), ("/proc/none", "/proc/none"),
        ] {
            let error = await #expect(throws: HeadwayError.self) {
                _ = try await scene.connect { $0.spool = path }
            }
            #expect(error?.code == .spool)
            #expect(error?.description.contains(culprit) == true)
        }
    }

    @Test(
        "a file written anew has what is needed, in order, and is held through it all; let go, it is anybody's"
    )
    func compacted() throws {
        try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: true)
        let path = "\(spool)/hw.8.me.spool"
        let records = SpoolRecordTests.records(5, seed: 7)
        var file: SpoolFile? = try SpoolFile.create(at: path)
        var places: [Range<Int>] = []
        for record in records {
            var bytes: [UInt8] = []
            record.encode(into: &bytes)
            let start = file?.size ?? 0
            try file?.append(bytes)
            places.append(start..<(start + bytes.count))
        }
        try file?.keep([places[1].lowerBound..<places[2].upperBound, places[4]])
        #expect(SpoolReading(try SpoolFile.read(path)).records == [records[1], records[2], records[4]])
        var more: [UInt8] = []
        records[0].encode(into: &more)
        try file?.append(more)
        #expect(SpoolReading(try SpoolFile.read(path)).records.last == records[0])
        #expect(try SpoolFile.adopt(path)?.size == nil)
        #expect(SpoolFile.isHeld(path))
        file = nil
        #expect(!SpoolFile.isHeld(path))
        #expect(
            try SpoolFile.adopt(path)?.read().count == places[1].count + places[2].count + places[4].count
                + more.count)
        #expect(files == ["hw.8.me.spool"])
    }

    @Test("whichever step of writing it anew fails, what is written next is in the file that has the name")
    func compactionFails() throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: spool, withIntermediateDirectories: true)
        let path = "\(spool)/hw.8.me.spool"
        let file = try SpoolFile.create(at: path)
        var records: [SpoolRecord] = []
        func say() throws {
            let record = try #require(SpoolRecordTests.records(1, seed: UInt64(records.count)).first)
            var bytes: [UInt8] = []
            record.encode(into: &bytes)
            try file.append(bytes)
            records.append(record)
            #expect(SpoolReading(try SpoolFile.read(path)).records == records)
            #expect(SpoolFile.isHeld(path))
            #expect(files == ["hw.8.me.spool"])
        }
        func fails(_ call: String, _ body: () throws(SpoolProblem) -> Void) {
            let problem = #expect(throws: SpoolProblem.self, performing: body)
            #expect(problem?.call == call)
        }
        try say()
        try manager.createDirectory(atPath: path + SpoolName.draft, withIntermediateDirectories: false)
        fails("open") { () throws(SpoolProblem) in try file.keep([0..<file.size]) }
        try manager.removeItem(atPath: path + SpoolName.draft)
        try say()
        fails("read") { () throws(SpoolProblem) in try file.keep([0..<file.size + 1]) }
        try say()
        try manager.moveItem(atPath: path, toPath: path + ".away")
        try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
        fails("rename") { () throws(SpoolProblem) in try file.keep([0..<file.size]) }
        #expect(!manager.fileExists(atPath: path + SpoolName.draft))
        fails("rename") { () throws(SpoolProblem) in _ = try SpoolFile.create(at: path) }
        #expect(!manager.fileExists(atPath: path + SpoolName.draft))
        try manager.removeItem(atPath: path)
        try manager.moveItem(atPath: path + ".away", toPath: path)
        try say()
        try file.keep([0..<file.size])
        try manager.moveItem(atPath: spool, toPath: spool + ".away")
        for _ in 1...2 { fails("open") { () throws(SpoolProblem) in try file.sync() } }
        try manager.moveItem(atPath: spool + ".away", toPath: spool)
        try say()
        try file.sync()
        try say()
    }

    @Test("a directory that cannot be synced is a fault, tried again, and no event goes into a nameless file")
    func directoryFails() async throws {
        let path = try SpoolDirectory(making: spool)
        let keyspace = try Keyspace(partitions: 1)
        let loop = EventLoop(name: "spool")
        var settings = Outbox.Settings(keyspace: keyspace, worker: "w")
        settings.isSpooled = true
        settings.rules.keep = .zero
        let outbox = Outbox(settings: settings, loop: loop)
        let name = SpoolName(keyspace, source: "me")
        let writer = try SpoolWriter(
            path, name: name, outbox: outbox, sync: .everysec, limit: 8 << 20, on: loop)
        await writer.begin()
        func say(_ count: Int) async throws {
            for _ in 1...count {
                let text = String(repeating: "x", count: 250)
                let attributes = Dictionary(uniqueKeysWithValues: (0..<150).map { ("k\($0)", text) })
                let registration = Registration(
                    pipeline: PipelineName(name: "article"), attributes: attributes)
                try outbox.withState { state, now in
                    _ = try state.append(ProgressEvent(JobID(unchecked: "a"), .queued(registration)), at: now)
                }
            }
            _ = await outbox.wait(within: .seconds(20)) { $0.spool.map { $0.settled == $0.ticket } ?? true }
        }
        func apply(upTo mark: Int64) {
            outbox.withState { state, now in
                while let parcel = state.queue.next(at: now).first { state.queue.acknowledge(parcel) }
                state.queue.see(mark, of: 0, at: now)
            }
        }
        func spoolIs(_ isMet: @escaping @Sendable (SpoolState) -> Bool) async -> Bool {
            await outbox.wait(within: .seconds(20)) { $0.spool.map(isMet) ?? false } == .met
        }
        try await say(40)
        // Files may be made in it and moved, but it cannot be opened: not even by root, whose rights the writer's
        // thread gives up.
        try #require(unsafe chmod(directory.path, 0o711) == 0 && chmod(spool, 0o333) == 0)
        loop.submit { Self.beNobody() }
        apply(upTo: 39)
        #expect(await spoolIs { $0.isFailing })
        #expect(outbox.statistics.spool?.fault?.description.contains("open") == true)
        #expect(outbox.statistics.spool?.compactions ?? 0 > 0)
        // Nothing is needed now, so that nothing is written anew for want of room.
        apply(upTo: 40)
        try #require(unsafe chmod(spool, 0o777) == 0)
        #expect(await spoolIs { !$0.isFailing })
        try await say(1)
        let last = try #require(try read(name.description).records.last)
        #expect(ProgressEvent.Sequence(fields: last.fields)?.id == 41)
        await writer.stop(removing: true)
        await loop.stop()
        #expect(files.isEmpty)
    }

    /// Of this thread alone: the C library's own function would change all.
    private static func beNobody() {
        guard geteuid() == 0, let symbol = unsafe dlsym(nil, "syscall") else { return }
        typealias Call = @convention(c) (CLong, CLong, CLong, CLong) -> CLong
        #if arch(x86_64)
            let setresuid = 117
        #else
            let setresuid = 147
        #endif
        _ = unsafe unsafeBitCast(symbol, to: Call.self)(setresuid, -1, 65_534, -1)
    }

    @Test("what waits in a directory is of this namespace, held by nobody, and not read for it")
    func waiting() throws {
        let path = try SpoolDirectory(making: spool)
        let keyspace = try Keyspace(partitions: 8)
        #expect(try path.waiting(keyspace) == 0)
        for file in [
            "hw.8.dead.spool", "hw.8.worse.spool", "other.8.dead.spool", "hw.16.dead.spool",
            "hw.8.bad.spool.damaged", "hw.8.new.spool.draft", "notes.txt",
        ] {
            try Data("no records".utf8).write(to: URL(filePath: "\(spool)/\(file)"))
        }
        let mine = try SpoolFile.create(at: "\(spool)/hw.8.me.spool")
        #expect(try path.waiting(keyspace) == 2)
        let adopted = try #require(try SpoolFile.adopt("\(spool)/hw.8.dead.spool"))
        #expect(try path.waiting(keyspace) == 1)
        withExtendedLifetime((mine, adopted)) {}
    }

    @Test("the file stays within its bound however much goes through it")
    func bounded() async throws {
        let scene = try await Scene.open()
        let limit = 256 << 10
        let headway = try await scene.connect {
            $0.spool = spool
            $0.bufferLimit = limit
            $0.failoverWindow = .zero
            $0.lookInterval = .milliseconds(5)
        }
        let name = try #require(files.first)
        let applying = Task {
            while !Task.isCancelled {
                try await scene.applyAll()
                for partition in 0..<8 {
                    try await scene.redis("XTRIM", scene.keyspace.events(partition), "MAXLEN", "0")
                }
            }
        }
        var largest = 0
        let text = String(repeating: "x", count: 900)
        for number in 1...1_500 {
            try await headway.queue(
                Article.self, id: "a-\(number)", attributes: ["text": String(text.prefix(250))])
            try await headway.requestCancel(job: "a-\(number)", message: text)
            if number % 50 == 0 {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(spool)/\(name)")
                largest = max(largest, attributes[.size] as? Int ?? 0)
            }
        }
        applying.cancel()
        let statistics = try #require(headway.statistics.spool)
        #expect(statistics.written == 3_000)
        #expect(largest <= 2 * limit + 1 << 20, "\(largest) bytes")
        try await headway.close(within: .milliseconds(100))
    }

    @Test(
        "with always an event is synced before its call returns, and arrives the same",
        .timeLimit(.minutes(1)))
    func always() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect {
            $0.spool = spool
            $0.spoolSync = .always
        }
        try await work(headway, "a-1")
        try await headway.flush()
        #expect(try await scene.heard(of: "a-1").isExact)
        #expect(headway.statistics.spool?.unspooled == 0)
        try await scene.applyAll()
        try await headway.close()
        #expect(files.isEmpty)
    }
}
