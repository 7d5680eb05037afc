import HeadwayCore

/// Fills a compiled value from one subject. Pure; no table is built, what is constant is copied.
struct ViewScope {
    /// Where `$each` stands.
    enum Item {
        case job(ViewSubject)
        case stage(String, label: String)
        case substep(JobState.Substep)
        case failure(kind: BulkShare.FailureKind, count: Int)
    }

    let subject: ViewSubject
    /// What `$status` is.
    let status: ViewNode?
    private(set) var item: Item?

    init(_ subject: ViewSubject, status: ViewNode? = nil) {
        self.subject = subject
        self.status = status
    }

    // MARK: Writing

    func write(_ node: ViewNode, to json: inout JSONWriter) {
        switch node {
        case .constant(let constant): json.value(encoded: constant.encoded)
        case .nothing: json.null()
        case .path(let path, let filters): write(path, filters, to: &json)
        case .text(let pieces): json.value(text(pieces))
        case .object(let members):
            json.beginObject()
            for member in members {
                if member.mayBeNothing, isNothing(member.value) { continue }
                json.key(encoded: member.key)
                write(member.value, to: &json)
            }
            json.endObject()
        case .list(let elements):
            json.beginArray()
            for element in elements where !(element.mayBeNothing && isNothing(element)) {
                write(element, to: &json)
            }
            json.endArray()
        case .choice(let path, let words, let otherwise):
            write(word(path).flatMap { words[$0] } ?? otherwise, to: &json)
        case .presence(let path, let then, let otherwise):
            write(scalar(path).isPresent ? then : otherwise, to: &json)
        case .each(let list, let element):
            json.beginArray()
            eachItem(of: list) { item in
                var scope = self
                scope.item = item
                if element.mayBeNothing, scope.isNothing(element) { return }
                scope.write(element, to: &json)
            }
            json.endArray()
        }
    }

    private func write(_ path: ViewPath, _ filters: ViewFilters, to json: inout JSONWriter) {
        if case .status = path, filters.fallback == nil, let status { return write(status, to: &json) }
        let value = scalar(path)
        if case .whole(let isPresent) = value, isPresent || filters.fallback == nil {
            return write(whole: path, to: &json)
        }
        guard value.isNull, let fallback = filters.fallback else {
            return value.write(to: &json, filters.conversion)
        }
        switch fallback {
        case .text(let text): json.value(text)
        case .number(let number): json.value(encoded: Array(number.utf8))
        }
    }

    private func write(whole path: ViewPath, to json: inout JSONWriter) {
        switch path {
        case .job(let path):
            if let job = subject.job { job.write(whole: path, to: &json) } else { json.null() }
        case .bulk(let path):
            if let bulk = subject.bulk { bulk.write(whole: path, to: &json) } else { json.null() }
        case .current(let place, let path):
            if let job = subject.bulk?.current?.at(place), !job.isProtected {
                job.write(whole: path, to: &json)
            } else {
                json.null()
            }
        case .item(.job(let path)):
            if case .job(let subject) = item, let job = subject.job, !job.isProtected {
                job.write(whole: path, to: &json)
            } else {
                json.null()
            }
        case .status, .failure, .item: json.null()
        }
    }

    // MARK: Asking

    /// Whether the key of this value is left out.
    private func isNothing(_ node: ViewNode) -> Bool {
        switch node {
        case .nothing: true
        case .path(let path, let filters): filters.omitsNull && scalar(path).isNull
        case .choice(let path, let words, let otherwise):
            isNothing(word(path).flatMap { words[$0] } ?? otherwise)
        case .presence(let path, let then, let otherwise):
            isNothing(scalar(path).isPresent ? then : otherwise)
        case .constant, .text, .object, .list, .each: false
        }
    }

    func scalar(_ path: ViewPath) -> ViewScalar {
        switch path {
        case .job(let path): subject.job?.scalar(path) ?? .null
        case .bulk(let path): subject.bulk?.scalar(path) ?? .null
        case .current(let place, let path): subject.bulk?.current?.at(place)?.member(path) ?? .null
        case .failure(let path): subject.failure?.scalar(path) ?? .null
        case .status: status.map { scalar($0) } ?? plainStatus
        case .item(let path): scalar(path)
        }
    }

    private func scalar(_ path: ViewItemPath) -> ViewScalar {
        switch (path, item) {
        case (.job(let path), .job(let subject)): subject.job?.member(path) ?? .null
        case (.stage, .stage(let id, _)): .text(id)
        case (.stageLabel, .stage(_, let label)): .text(label)
        case (.substep(let path), .substep(let substep)): substep.scalar(path)
        case (.failure(let path), .failure(let kind, let count)): BulkSnapshot.scalar((kind, count), path)
        default: .null
        }
    }

    /// Without a map: the word itself.
    private var plainStatus: ViewScalar {
        if let job = subject.job { return .text(job.state.status.rawValue) }
        if let bulk = subject.bulk { return .text(bulk.summary.phase.rawValue) }
        return subject.failure?.scalar(.rawStatus) ?? .null
    }

    /// Of a value of the status map: the reader lets no list and no object into it.
    private func scalar(_ node: ViewNode) -> ViewScalar {
        switch node {
        case .path(let path, let filters):
            let value = scalar(path)
            if value.isNull, let fallback = filters.fallback {
                switch fallback {
                case .text(let text): return .text(text)
                case .number(let number): return .spelled(number)
                }
            }
            if filters.conversion == .none { return value }
            return value.text(filters.conversion).map(ViewScalar.text) ?? .null
        case .text(let pieces): return .text(text(pieces))
        case .choice(let path, let words, let otherwise):
            return scalar(word(path).flatMap { words[$0] } ?? otherwise)
        case .presence(let path, let then, let otherwise):
            return scalar(scalar(path).isPresent ? then : otherwise)
        case .constant(let constant): return constant.scalar
        case .nothing, .object, .list, .each: return .null
        }
    }

    private func word(_ path: ViewPath) -> String? { scalar(path).text() }

    private func text(_ pieces: [ViewNode.Piece]) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .literal(let literal): text += literal
            case .path(let path, let filters):
                let value = scalar(path)
                let told = value.isNull ? nil : value.text(filters.conversion)
                text += told ?? filters.fallback?.text ?? ""
            }
        }
        return text
    }

    private func eachItem(of list: ViewList, _ body: (Item) -> Void) {
        switch list {
        case .completedStages(let owner): eachStage(of: owner, \.completedStages, body)
        case .skippedStages(let owner): eachStage(of: owner, \.skippedStages, body)
        case .substeps(let owner): for substep in job(owner)?.state.substeps ?? [] { body(.substep(substep)) }
        case .current: for job in subject.bulk?.current ?? [] { body(.job(ViewSubject(job))) }
        case .failures:
            for failure in subject.bulk?.failures ?? [] {
                body(.failure(kind: failure.kind, count: failure.count))
            }
        }
    }

    private func eachStage(
        of owner: ViewOwner, _ stages: (JobState) -> [String], _ body: (Item) -> Void
    ) {
        guard let job = job(owner) else { return }
        for stage in stages(job.state) { body(.stage(stage, label: job.label(of: stage))) }
    }

    private func job(_ owner: ViewOwner) -> JobSnapshot? {
        switch owner {
        case .subject: subject.job
        case .current(let place): subject.bulk?.current?.at(place).flatMap { $0.isProtected ? nil : $0 }
        }
    }
}
