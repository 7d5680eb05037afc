import HeadwayCore

@testable import HeadwayWire

// Random values of everything that travels, within the bounds of the wire.
extension Dice {
    mutating func timestamp() -> Timestamp { Timestamp(milliseconds: Int64(number(0...2_000_000_000_000))) }

    mutating func fraction() -> Fraction { Fraction(partsPerMillion: number(0...1_000_000)) }

    mutating func progress() -> Progress {
        guard chance(60) else { return .fraction(fraction()) }
        let total = chance(10) ? WireLimits.number : number(0...1000)
        return .count(done: number(0...total), total: total)
    }

    mutating func job() -> JobID { JobID(unchecked: identifier(1...30)) }
    mutating func bulk() -> BulkID { BulkID(unchecked: identifier(1...30)) }

    mutating func reference() -> Pipeline.Reference {
        let name = identifier(1...30).filter { $0 != "@" }
        return Pipeline.Reference(name: name.isEmpty ? "book" : name, revision: number(1...99))
    }

    mutating func pipelineName() -> PipelineName {
        let reference = reference()
        return PipelineName(name: reference.name, revision: chance(50) ? reference.revision : nil)
    }

    mutating func attributes() -> [String: String] {
        let pairs = list(0...4) { ($0.identifier(1...64), $0.text(0...60)) }
        return Dictionary(pairs) { first, _ in first }
    }

    mutating func registration() -> Registration {
        Registration(
            pipeline: pipelineName(), bulk: maybe { $0.bulk() }, label: maybe { $0.text(0...200) },
            weight: maybe { $0.number(1...1_000_000) }, token: maybe { $0.digest() }, attributes: attributes()
        )
    }

    mutating func mention() -> StageMention {
        let of = number(1...100)
        return StageMention(
            identifier(), index: maybe { $0.number(1...of) }, of: chance(70) ? of : nil,
            stageAttempt: maybe { $0.number(1...9) }, message: maybe { $0.text(0...1000) })
    }

    mutating func jobWord() -> JobWord {
        switch number(0...9) {
        case 0: .queued(registration())
        case 1: .started(worker: maybe { $0.text(0...200) }, maybe { $0.registration() })
        case 2: .stageStarted(mention())
        case 3: .stageProgressed(mention(), progress(), substep: maybe { $0.identifier() })
        case 4: .stageCompleted(mention(), checkpoint: maybe { $0.text(0...500) })
        case 5: .completed(result: maybe { $0.text() }, message: maybe { $0.text() })
        case 6: .failed(message: text(), code: maybe { $0.text() }, stage: maybe { $0.identifier() })
        case 7: .cancelRequested(message: maybe { $0.text() })
        case 8: .cancelled(message: maybe { $0.text() })
        default: .heartbeat(worker: maybe { $0.text() })
        }
    }

    mutating func counts() -> BulkCounts {
        BulkCounts(
            queued: number(0...50), running: number(0...50), completed: number(0...50),
            failed: number(0...50),
            cancelled: number(0...50))
    }

    mutating func bulkWord() -> BulkWord {
        switch number(0...8) {
        case 0: .opened(total: maybe { $0.number(0...1_000_000) }, label: maybe { $0.text() })
        case 1: .sealed(total: maybe { $0.number(0...1_000_000) })
        case 2: .cancelRequested
        case 3: .announced
        case 4: .cancelling
        case 5: .settled(generation: number(1...9), counts())
        case 6: .recount
        case 7:
            .failing(
                generation: number(1...9),
                BulkShare.Failing(
                    job: job(),
                    kind: BulkShare.FailureKind(
                        code: maybe { $0.text() } ?? "", stage: maybe { $0.identifier() } ?? "")))
        default: .reopened(generation: number(1...9))
        }
    }

    mutating func event() -> ProgressEvent {
        let isJob = chance(75)
        return ProgressEvent(
            isJob ? .job(job(), jobWord()) : .bulk(bulk(), bulkWord()),
            attempt: isJob ? maybe { $0.number(1...9) } : nil,
            sequence: maybe {
                ProgressEvent.Sequence(source: $0.identifier(), id: Int64($0.number(1...1 << 53)))
            },
            time: maybe { $0.timestamp() }, traceparent: maybe { $0.traceparent() },
            origin: maybe { $0.text() })
    }

    // MARK: State

    mutating func jobState() -> JobState {
        var state = JobState(
            id: job(), registration: registration(), pipeline: reference(), at: timestamp())
        state.traceparent = maybe { $0.traceparent() }
        state.status = pick(JobState.Status.allCases)
        state.health = pick(Health.allCases)
        state.attempt = number(1...5)
        state.worker = maybe { $0.text() }
        state.position = maybe { dice in
            JobState.Position(
                stage: dice.identifier(), attempt: dice.number(1...3), index: dice.maybe { $0.number(1...8) },
                of: dice.maybe { $0.number(1...8) }, progress: dice.maybe { $0.progress() },
                startedAt: dice.timestamp(), indexStartedAt: dice.maybe { $0.timestamp() },
                usual: dice.maybe {
                    UsualDuration(
                        median: .milliseconds($0.number(0...100_000)),
                        p95: .milliseconds($0.number(0...900_000)))
                },
                halfAt: dice.maybe { $0.timestamp() })
        }
        state.stages = list(0...5) {
            JobState.StageRecord(
                stage: $0.text(1...20), attempt: $0.number(1...3),
                phase: $0.pick(JobState.StageRecord.Phase.allCases))
        }
        state.substeps = list(0...4) { JobState.Substep(id: $0.text(0...20), progress: $0.progress()) }
        state.fraction = fraction()
        state.message = maybe { $0.text(0...1000) }
        state.result = maybe { $0.text() }
        state.failure = maybe { dice in
            JobState.Failure(
                message: dice.text(), code: dice.maybe { $0.text() }, stage: dice.maybe { $0.identifier() })
        }
        state.checkpoint = maybe { $0.text() }
        state.cancelRequestedAt = chance(20) ? timestamp() : nil
        state.recoveries = number(0...2)
        state.startedAt = maybe { $0.timestamp() }
        state.updatedAt = timestamp()
        state.finishedAt = maybe { $0.timestamp() }
        state.aliveAt = timestamp()
        state.movedAt = timestamp()
        state.version = Int64(number(0...1_000_000))
        return state
    }

    mutating func placeholder() -> JobRecord.Placeholder {
        JobRecord.Placeholder(
            held: list(0...6) { JobRecord.Placeholder.Held(event: $0.event(), at: $0.timestamp()) },
            since: timestamp())
    }

    mutating func tombstone() -> JobRecord.Tombstone {
        JobRecord.Tombstone(
            status: pick([.completed, .failed, .cancelled]), attempt: number(1...9),
            version: Int64(number(1...1000)), pipeline: reference(), bulk: maybe { $0.bulk() },
            weight: number(1...1_000_000), finishedAt: timestamp(), token: maybe { $0.digest() },
            failureCode: maybe { $0.text() }, failureStage: maybe { $0.text() })
    }

    mutating func share() -> BulkShare {
        var share = BulkShare(id: bulk(), at: timestamp())
        share.counts = counts()
        share.weight = Int64(number(0...1 << 40))
        share.progress = Int64(number(0...1 << 60))
        for health in list(0...5, { $0.pick(Health.allCases) }) { share.health[health] = number(1...99) }
        for stage in list(0...5, { $0.text(0...20) }) { share.stages[stage] = number(1...99) }
        for kind in list(0...5, { BulkShare.FailureKind(code: $0.text(0...20), stage: $0.text(0...20)) }) {
            share.failures[kind] = number(1...99)
        }
        share.finishes =
            maybe {
                FinishRing(
                    since: $0.timestamp(), width: FinishRing.narrowest << Int64($0.number(0...12)),
                    counts: [$0.number(0...9)] + $0.list(0...31) { $0.number(0...99) })
            } ?? nil
        share.reopened = number(0...3)
        share.isCancelling = chance(30)
        share.settledGeneration = maybe { $0.number(1...5) }
        share.openGeneration = number(1...5)
        share.errands = BulkShare.Errands(rawValue: number(0...31))
        share.failing = maybe {
            BulkShare.Failing(
                job: $0.job(), kind: BulkShare.FailureKind(code: $0.text(0...20), stage: $0.text(0...20)))
        }
        share.failureGeneration = number(0...3)
        share.version = Int64(number(0...1_000_000))
        guard chance(50) else { return share }
        var home = BulkShare.Home(createdAt: timestamp())
        home.label = maybe { $0.text() }
        home.total = maybe { $0.number(0...1_000_000) }
        home.isSealed = chance(50)
        home.sealedAt = maybe { $0.timestamp() }
        home.settlement = maybe {
            BulkShare.Settlement(generation: $0.number(1...5), counts: $0.counts(), at: $0.timestamp())
        }
        home.failureGeneration = number(0...3)
        share.home = home
        return share
    }

    mutating func control() -> Control {
        var control = Control()
        control.owner = maybe { $0.identifier() }
        control.nonce = identifier()
        control.fence = Int64(number(0...1000))
        control.next = maybe { $0.identifier() }
        control.beat = Int64(number(0...1000))
        control.epoch = identifier()
        control.replicationID = digest()
        control.checkpoint = streamID()
        control.commit = Int64(number(0...1_000_000))
        control.watermark = timestamp()
        control.skew = .milliseconds(number(-100_000...100_000))
        control.silenceFloor = maybe { $0.timestamp() }
        control.consumed = Int64(number(0...1_000_000))
        control.lost = Int64(number(0...1000))
        control.format = number(1...3)
        return control
    }

    mutating func streamID() -> StreamID { StreamID(ms: next() >> UInt64(number(0...63)), seq: next()) }

    mutating func notice() -> ChangeNotice {
        guard chance(90) else { return ChangeNotice(epoch: identifier(), commit: 1, changes: .many) }
        return ChangeNotice(
            epoch: text(1...10), commit: Int64(number(0...1_000_000)),
            changes: list(0...6) {
                ChangeNotice.Change(
                    $0.chance(50) ? .job($0.job()) : .bulk($0.bulk()), version: Int64($0.number(1...999)))
            })
    }

    mutating func timelineEntry() -> TimelineEntry {
        TimelineEntry(
            at: timestamp(), kind: text(1...20), attempt: number(1...9), stage: maybe { $0.text() },
            index: maybe { $0.number(1...99) }, detail: maybe { $0.text() })
    }

    mutating func rejection() -> Rejection {
        var fields = FieldBuffer()
        for _ in 0..<number(0...12) {
            let name = bytes(0...12)
            let value = bytes(0...40)
            fields.add(name: name[...], value: value[...])
        }
        return Rejection(
            pick(Refusal.allCases), entry: maybe { $0.streamID() }, at: timestamp(),
            field: maybe { $0.identifier() },
            detail: maybe { $0.text() }, event: fields)
    }
}
