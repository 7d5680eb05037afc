import EventLoop
import HeadwayCore
import Synchronization

/// What a stage's body reports with. Its calls never block, never throw and do no I/O: the latest value is kept in
/// memory and sent at most every 100 ms. They may be made from any thread.
///
/// A stage's value never falls: reporting less than before changes only the message. What lies outside its bounds
/// is brought back into them, and both are counted (`Headway.statistics`). After the stage has ended, reports do
/// nothing. Values in between may never be seen by anybody; the last one before the stage's end always is.
public final class StageHandle: Sendable {
    let slot: TickSlot
    private let ticks: any TickTaker
    private let cancellation: CancelFlag
    private let note = Mutex<String?>(nil)

    init(_ slot: TickSlot, _ ticks: any TickTaker, _ cancellation: CancelFlag) {
        self.slot = slot
        self.ticks = ticks
        self.cancellation = cancellation
    }

    /// The stage's id.
    public var name: String { slot.header.mention.stage }
    /// The index, of an indexed stage.
    public var index: Int? { slot.header.mention.index }
    /// The try of this stage, from 1.
    public var attempt: Int { slot.header.mention.stageAttempt ?? 1 }

    /// `done` of `total` are complete: absolute values, never increments.
    ///
    ///     stage.report(n + 1, of: sources.count, "Reading \(source.title)")
    ///
    /// - Parameters:
    ///   - done: how many are complete.
    ///   - total: how many there are in all.
    ///   - message: a sentence for end users; cut to 1,000 characters. Without one, the last one stays.
    public func report(_ done: Int, of total: Int, _ message: String? = nil) {
        let progress = Progress.counted(done, of: total)
        if slot.report(progress.value, message, isCorrected: progress.isCorrected) { ticks.list(slot) }
    }

    /// `percent` of this stage is complete, from 0 to 100; fractions down to 0.0001 count.
    public func report(percent: Double, _ message: String? = nil) {
        let progress = Progress.percentage(percent)
        if slot.report(progress.value, message, isCorrected: progress.isCorrected) { ticks.list(slot) }
    }

    /// A sentence; the value stays.
    public func report(_ message: String) {
        if slot.report(nil, message, isCorrected: false) { ticks.list(slot) }
    }

    /// A named counter inside the stage, shown beside its value: `done` of `total`.
    ///
    /// - Parameters:
    ///   - name: 1 to 200 letters, digits or `. _ : @ -`; at most 32 names per stage.
    ///   - done: how many are complete.
    ///   - total: how many there are in all.
    public func substep(_ name: String, _ done: Int, of total: Int) {
        guard let progress = Progress.counted(done, of: total).value else { return }
        if slot.substep(name, progress, isCorrected: false) { ticks.list(slot) }
    }

    /// Small opaque text that travels with the stage's completion; a worker that goes on with this job gets it
    /// from `headway.resume(id)`. At most 4 KiB, checked when the stage ends. The last one counts.
    public func checkpoint(_ text: String) { note.withLock { $0 = text } }

    var checkpoint: String? { note.withLock { $0 } }

    /// Whether somebody asked to cancel the job or its bulk; known about a second after they did.
    public var isCancelled: Bool { cancellation.isSet }

    /// - Throws: `CancellationError` when ``isCancelled``; thrown out of `run`, it ends the job as cancelled.
    public func checkCancellation() throws(CancellationError) {
        if isCancelled { throw CancellationError() }
    }
}

/// Whether a cancel was asked for.
final class CancelFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
}

extension Progress {
    private static let largest = 1 << 53

    /// 0 ≤ done ≤ total ≤ 2⁵³, whatever was given.
    static func counted(_ done: Int, of total: Int) -> (value: Progress?, isCorrected: Bool) {
        let bounded = min(max(total, 0), largest)
        let counted = min(max(done, 0), bounded)
        return (.count(done: counted, total: bounded), counted != done || bounded != total)
    }

    /// - Returns: no value for what is not a number.
    static func percentage(_ percent: Double) -> (value: Progress?, isCorrected: Bool) {
        guard !percent.isNaN else { return (nil, true) }
        // A hair up before flooring: 33.3 × 10,000 is 332,999.99… in binary.
        let parts = Int(min(max(percent, 0), 100) * 10_000 + 0.001)
        return (.fraction(Fraction(partsPerMillion: parts)), percent < 0 || percent > 100)
    }
}
