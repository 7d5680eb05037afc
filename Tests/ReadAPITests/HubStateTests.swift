import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

@Suite("PartitionLine")
struct PartitionLineTests {
    @Test("numbers in a row are unbroken, a hole breaks, old news is late")
    func row() {
        var line = PartitionLine()
        #expect(line.hear(epoch: "e", commit: 7) == .broken)
        #expect(line.hear(epoch: "e", commit: 8) == .unbroken)
        #expect(line.hear(epoch: "e", commit: 10) == .broken)
        #expect(line.hear(epoch: "e", commit: 9) == .late)
        #expect(line.hear(epoch: "e", commit: 11) == .unbroken)
    }

    @Test("a commit that only control shows must be heard by the next look")
    func look() {
        var line = PartitionLine()
        _ = line.hear(epoch: "e", commit: 7)
        #expect(line.look(epoch: "e", commit: 8) == .unbroken)
        #expect(line.hear(epoch: "e", commit: 8) == .unbroken)
        #expect(line.look(epoch: "e", commit: 9) == .unbroken)
        #expect(line.look(epoch: "e", commit: 9) == .broken)
        #expect(line.look(epoch: "e", commit: 9) == .unbroken)
    }

    @Test("another epoch breaks at once, and the one before never comes back")
    func epochs() {
        var line = PartitionLine()
        _ = line.hear(epoch: "e", commit: 7)
        #expect(line.look(epoch: "f", commit: 8) == .broken)
        #expect(line.hear(epoch: "f", commit: 8) == .late)
        #expect(line.hear(epoch: "e", commit: 9) == .over)
        #expect(line.isCurrent("f"))
        #expect(!line.isCurrent("e") && !line.isCurrent("g"))
    }

    @Test("an epoch that every look shows is the truth, though a late message said otherwise")
    func returning() {
        var line = PartitionLine()
        _ = line.hear(epoch: "e", commit: 7)
        #expect(line.look(epoch: "g", commit: 9) == .broken)
        // Published before g began, and never heard of until now.
        #expect(line.hear(epoch: "f", commit: 8) == .broken)
        #expect(line.look(epoch: "g", commit: 9) == .over)
        #expect(line.look(epoch: "g", commit: 9) == .broken)
        #expect(line.isCurrent("g"))
    }

    @Test("a subscription that begins anew breaks the line once")
    func reset() {
        var line = PartitionLine()
        _ = line.hear(epoch: "e", commit: 7)
        line.reset()
        #expect(line.hear(epoch: "e", commit: 8) == .broken)
        line.reset()
        #expect(line.isCurrent("e"))
        #expect(line.hear(epoch: "f", commit: 9) == .broken)
        line.reset()
        #expect(!line.isCurrent("e"))
    }

    @Test("a namespace may be flushed more than once")
    func flushed() {
        var line = PartitionLine()
        for epoch in ["e", "", "f", ""] { #expect(line.look(epoch: epoch, commit: 0) == .broken) }
        #expect(line.isCurrent(""))
    }
}

@Suite("HubState")
struct HubStateTests {
    typealias State = HubState<Int>
    static let job = ProgressEvent.Subject.job(JobID(unchecked: "a"))

    private func image(
        _ version: Int64, _ epoch: String = "e", commit: Int64 = 1000, isFinal: Bool = false
    ) -> State.Image {
        State.Image(
            marks: [State.Mark(partition: 0, epoch: epoch, commit: commit, version: version)],
            content: Int(version), isFinal: isFinal, isAbsent: version == 0)
    }

    private func notice(_ commit: Int64, _ version: Int64, _ epoch: String = "e") -> ChangeNotice {
        ChangeNotice(epoch: epoch, commit: commit, changes: [ChangeNotice.Change(Self.job, version: version)])
    }

    /// Watching `job`, clean at version 3, the line at commit 1.
    private func settled() -> State {
        var state = State(partitions: 1)
        _ = state.watch(Self.job, by: 1)
        state.hear(ChangeNotice(epoch: "e", commit: 1, changes: []), of: 0)
        _ = state.startReads(at: .zero, limit: 10)
        _ = state.finish(Self.job, image(3, commit: 1), at: .zero)
        return state
    }

    @Test("what is watched is read, and shown to who comes later without reading again")
    func watch() {
        var state = settled()
        #expect(state.watch(Self.job, by: 2)?.content == 3)
        #expect(state.nextRead == nil)
        #expect(state.watchers(of: Self.job) == [1, 2])
        state.unwatch(Self.job, by: 1)
        state.unwatch(Self.job, by: 2)
        #expect(state.watched == 0)
    }

    @Test("what is announced is not shown any more until it was read")
    func announce() {
        var state = settled()
        state.hear(notice(2, 4), of: 0)
        #expect(state.image(of: Self.job) == nil)
        #expect(state.startReads(at: .seconds(1), limit: 10) == [Self.job])
        #expect(state.finish(Self.job, image(4), at: .seconds(1)) == true)
        #expect(state.image(of: Self.job)?.content == 4)
    }

    @Test("news of what the image has already changes nothing")
    func covered() {
        var state = settled()
        state.hear(notice(2, 3), of: 0)
        #expect(state.image(of: Self.job)?.content == 3)
        #expect(state.nextRead == nil)
    }

    @Test("an image older than what was announced meanwhile is read again, not shown")
    func overtaken() {
        var state = settled()
        state.hear(notice(2, 4), of: 0)
        _ = state.startReads(at: .seconds(1), limit: 10)
        state.hear(notice(3, 5), of: 0)
        #expect(state.finish(Self.job, image(4), at: .seconds(1)) == false)
        #expect(state.image(of: Self.job) == nil)
        #expect(state.startReads(at: .seconds(2), limit: 10) == [Self.job])
        #expect(state.finish(Self.job, image(5), at: .seconds(2)) == true)
    }

    @Test(
        "after enough overtaken reads the newest is shown, if it has all that was known when its read began")
    func patience() {
        var state = settled()
        var commit: Int64 = 1
        var shown = 0
        for round in 1...20 {
            let now = Duration.seconds(round)
            state.hear(notice(commit + 1, commit + 4), of: 0)
            _ = state.startReads(at: now, limit: 10)
            state.hear(notice(commit + 2, commit + 5), of: 0)
            if state.finish(Self.job, image(commit + 4), at: now) { shown += 1 }
            commit += 2
        }
        #expect(shown == 4)
        var strict = State.Pace()
        strict.patience = nil
        #expect(strict.patience == nil)
    }

    @Test("a version that falls within its epoch is never shown; in another epoch it is")
    func falls() {
        var state = settled()
        state.lose(0)
        _ = state.startReads(at: .seconds(1), limit: 10)
        #expect(state.finish(Self.job, image(2), at: .seconds(1)) == false)
        state.look(at: 0, epoch: "f", commit: 1)
        _ = state.startReads(at: .seconds(2), limit: 10)
        #expect(state.finish(Self.job, image(1, "f"), at: .seconds(2)) == true)
        #expect(state.image(of: Self.job)?.content == 1)
    }

    @Test("an image from before what had been heard when its read began is refused")
    func fromBefore() {
        var state = settled()
        state.hear(ChangeNotice(epoch: "e", commit: 3, changes: []), of: 0)
        _ = state.startReads(at: .seconds(1), limit: 10)
        #expect(state.finish(Self.job, image(3, commit: 2), at: .seconds(1)) == false)
        _ = state.startReads(at: .seconds(2), limit: 10)
        #expect(state.finish(Self.job, image(3, commit: 3), at: .seconds(2)) == true)
    }

    @Test("an image of an epoch that was left is refused")
    func leftEpoch() {
        var state = settled()
        state.look(at: 0, epoch: "f", commit: 1)
        _ = state.startReads(at: .seconds(1), limit: 10)
        #expect(state.finish(Self.job, image(9, "e"), at: .seconds(1)) == false)
    }

    @Test("where Redis fell back and no epoch began yet, a finished job that is not there has not expired")
    func fallsBack() {
        var state = settled()
        state.lose(0)
        _ = state.startReads(at: .seconds(1), limit: 10)
        #expect(state.finish(Self.job, image(5, commit: 9, isFinal: true), at: .seconds(1)) == true)
        state.lose(0)
        _ = state.startReads(at: .seconds(2), limit: 10)
        #expect(state.finish(Self.job, image(0, commit: 8), at: .seconds(2)) == false)
        state.look(at: 0, epoch: "f", commit: 9)
        _ = state.startReads(at: .seconds(3), limit: 10)
        #expect(state.finish(Self.job, image(2, "f", commit: 9), at: .seconds(3)) == true)
    }

    @Test("a finished job may vanish, an open one may not")
    func vanishing() {
        var state = settled()
        state.lose(0)
        _ = state.startReads(at: .seconds(1), limit: 10)
        #expect(state.finish(Self.job, image(0), at: .seconds(1)) == false)
        _ = state.startReads(at: .seconds(2), limit: 10)
        #expect(state.finish(Self.job, image(5, isFinal: true), at: .seconds(2)) == true)
        state.lose(0)
        _ = state.startReads(at: .seconds(3), limit: 10)
        #expect(state.finish(Self.job, image(0), at: .seconds(3)) == true)
    }

    @Test("many is everything, a hole is everything, a lost subscription is everything")
    func everything() {
        for spoil in [
            { (state: inout State) in state.hear(ChangeNotice(epoch: "e", commit: 2, changes: .many), of: 0)
            },
            { state in state.hear(ChangeNotice(epoch: "e", commit: 3, changes: []), of: 0) },
            { state in state.lose(0) },
            { state in
                state.look(at: 0, epoch: "e", commit: 2)
                state.look(at: 0, epoch: "e", commit: 2)
            },
        ] {
            var state = settled()
            spoil(&state)
            #expect(state.image(of: Self.job) == nil)
            #expect(state.startReads(at: .seconds(1), limit: 10) == [Self.job])
        }
    }

    @Test("what is out of date is shown as such, also when it is not clean, until it was read again")
    func stale() {
        var state = settled()
        state.hear(notice(2, 4), of: 0)
        #expect(state.image(of: Self.job) == nil)
        let changed = state.markStale(0) { content in
            content = -3
            return true
        }
        #expect(changed == [Self.job])
        #expect(state.image(of: Self.job)?.content == -3)
        _ = state.startReads(at: .seconds(1), limit: 10)
        #expect(state.finish(Self.job, image(4), at: .seconds(1)) == true)
        #expect(state.image(of: Self.job)?.content == 4)
    }

    @Test("reads of one subject keep their pace, and a failed read is tried again")
    func pace() {
        var state = settled()
        state.hear(notice(2, 4), of: 0)
        #expect(state.startReads(at: .milliseconds(49), limit: 10) == [])
        #expect(state.nextRead == .milliseconds(50))
        #expect(state.startReads(at: .milliseconds(50), limit: 10) == [Self.job])
        state.fail(Self.job, at: .milliseconds(50))
        #expect(state.nextRead == .milliseconds(54))
    }
}
