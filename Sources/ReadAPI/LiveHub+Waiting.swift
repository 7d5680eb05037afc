import EventLoop
package import HeadwayCore

extension LiveHub {
    /// The next state of a subject: the first that may be shown and is not `after`.
    ///
    /// - Parameters:
    ///   - known: what the caller has; nil takes whatever there is. A state older than it is never answered.
    ///   - limit: how long to wait.
    /// - Returns: nil when the time has passed, the hub drains, or the task was cancelled.
    func next(_ subject: Subject, after known: VersionToken?, within limit: Duration) async -> LiveImage? {
        guard !isDraining, !isStopped, !isFull else { return nil }
        let id = newWatcherID()
        return await withTaskCancellationHandler {
            let image = await withCheckedContinuation { (continuation: CheckedContinuation<LiveImage?, Never>) in
                let timer = schedule(after: limit, endOf: id)
                let poll = LongPoll(after: known) {
                    timer.cancel()
                    continuation.resume(returning: $0)
                }
                add(poll, as: id, to: [subject])
                if let known, let image = state.image(of: subject), known.isAhead(of: image.content.token) {
                    state.doubt(subject)
                    scheduleRead()
                }
            }
            remove(id, from: [subject])
            return image
        } onCancel: { [loop] in
            // After this turn, so after it was added.
            loop.submit { [weak self] in self?.assumeIsolated { $0.watchers[id]?.hubEnded() } }
        }
    }

    private func schedule(after limit: Duration, endOf id: Int) -> LoopTimer {
        loop.schedule(after: limit) { [weak self] in self?.assumeIsolated { $0.watchers[id]?.hubEnded() } }
    }

    /// The images of all subjects, if all have ended.
    ///
    /// - Returns: nil as soon as one of them has not ended, or when the time has passed.
    func finalImages(of subjects: [Subject], within limit: Duration) async -> [Subject: LiveImage]? {
        let id = newWatcherID()
        let images = await withCheckedContinuation {
            (continuation: CheckedContinuation<[Subject: LiveImage]?, Never>) in
            let timer = schedule(after: limit, endOf: id)
            let gathering = Gathering(subjects) {
                timer.cancel()
                continuation.resume(returning: $0)
            }
            add(gathering, as: id, to: subjects)
        }
        remove(id, from: subjects)
        return images
    }

    /// As ``next(_:after:within:)``, for those outside.
    package func change(
        of subject: Subject, after known: VersionToken, within limit: Duration
    ) async -> LiveAnswer? {
        await next(subject, after: known, within: limit)?.answer
    }

    /// Calls `body` on the loop with each state that may be shown, newest only, until ``unwatch(_:)``.
    package func watch(_ subjects: [Subject], _ body: @escaping @Sendable (LiveAnswer) -> Void) -> LiveWatch {
        let id = newWatcherID()
        add(CallbackWatcher(body), as: id, to: subjects)
        return LiveWatch(id: id, subjects: subjects)
    }

    package func unwatch(_ watch: LiveWatch) { remove(watch.id, from: watch.subjects) }
}

/// A subscription of this process to some subjects.
package struct LiveWatch: Sendable {
    let id: Int
    package let subjects: [ProgressEvent.Subject]
}

extension VersionToken {
    /// Whether this names a later state of the same epoch.
    func isAhead(of other: VersionToken) -> Bool { epoch == other.epoch && version > other.version }
}

/// One suspended long poll, ended by a change, by time, or by its client's leaving, whichever comes first.
final class LongPoll: HubWatcher {
    private let known: VersionToken?
    private var whenDone: ((LiveImage?) -> Void)?

    init(after known: VersionToken?, _ whenDone: @escaping (LiveImage?) -> Void) {
        self.known = known
        self.whenDone = whenDone
    }

    func hubShows(_ subject: LiveHub.Subject, _ image: LiveImage) {
        if let known {
            guard image.token != known, !known.isAhead(of: image.token) else { return }
        }
        end(image)
    }

    func hubEnded() { end(nil) }

    private func end(_ image: LiveImage?) {
        whenDone?(image)
        whenDone = nil
    }
}

/// Waits for the images of many subjects, until all are there or one of them is not at its end.
final class Gathering: HubWatcher {
    private var missing: Set<LiveHub.Subject>
    private var images: [LiveHub.Subject: LiveImage] = [:]
    private var whenDone: (([LiveHub.Subject: LiveImage]?) -> Void)?

    init(_ subjects: [LiveHub.Subject], _ whenDone: @escaping ([LiveHub.Subject: LiveImage]?) -> Void) {
        missing = Set(subjects)
        self.whenDone = whenDone
    }

    func hubShows(_ subject: LiveHub.Subject, _ image: LiveImage) {
        guard image.outcome != nil else { return end(nil) }
        images[subject] = image
        missing.remove(subject)
        if missing.isEmpty { end(images) }
    }

    func hubEnded() { end(nil) }

    private func end(_ images: [LiveHub.Subject: LiveImage]?) {
        whenDone?(images)
        whenDone = nil
    }
}

/// Tells a closure.
final class CallbackWatcher: HubWatcher {
    private let body: @Sendable (LiveAnswer) -> Void

    init(_ body: @escaping @Sendable (LiveAnswer) -> Void) { self.body = body }

    func hubShows(_ subject: LiveHub.Subject, _ image: LiveImage) { body(image.answer) }

    func hubEnded() {}
}
