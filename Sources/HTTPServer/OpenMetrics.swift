/// One metric with all its label sets.
package struct MetricFamily: Sendable, Equatable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package enum Value: Sendable, Equatable {
        case number(Double)
        /// Counts per range, not cumulative, the last one above all bounds.
        case histogram(bounds: [Double], counts: [Int64], sum: Double)
    }

    package struct Sample: Sendable, Equatable {
        /// Each name once, in the order written.
        package let labels: [Label]
        package let value: Value
    }

    package struct Label: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    /// Without `_total`, which the writer appends to counters: `headway_jobs_finished`.
    package let name: String
    package let kind: Kind
    /// One sentence.
    package let help: String
    package private(set) var samples: [Sample] = []

    package init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    package mutating func add(_ value: Value, _ labels: KeyValuePairs<String, String> = [:]) {
        samples.append(Sample(labels: labels.map { Label(name: $0.key, value: $0.value) }, value: value))
    }

    package mutating func add(_ value: some BinaryInteger, _ labels: KeyValuePairs<String, String> = [:]) {
        add(.number(Double(value)), labels)
    }

    /// A family of one number.
    package static func of(
        _ name: String, _ kind: Kind, _ value: some BinaryInteger, _ help: String
    ) -> MetricFamily {
        var family = MetricFamily(name, kind, help)
        family.add(value)
        return family
    }
}

/// Writes metrics as text for whoever scrapes them. Pure.
package enum MetricsFormat: Sendable, Equatable {
    /// OpenMetrics 1.0.0.
    case openMetrics
    /// Prometheus' text format 0.0.4.
    case plain

    /// - Parameter accept: the `Accept` header. Plain text for those who ask for it and not for OpenMetrics.
    package init(accept: String?) {
        let accept = accept?.lowercased() ?? ""
        let isPlain = accept.contains("text/plain") && !accept.contains("application/openmetrics-text")
        self = isPlain ? .plain : .openMetrics
    }

    package var contentType: String {
        switch self {
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .plain: "text/plain; version=0.0.4; charset=utf-8"
        }
    }

    /// Families in the order given; those without a sample are left out.
    package func text(_ families: [MetricFamily]) -> String {
        var text = ""
        for family in families where !family.samples.isEmpty {
            let total = family.kind == .counter ? "_total" : ""
            let head = self == .plain ? family.name + total : family.name
            text += "# TYPE \(head) \(family.kind.rawValue)\n"
            // The unit is the name's last word, by the format's own rule.
            if self == .openMetrics, family.name.hasSuffix("_seconds") { text += "# UNIT \(head) seconds\n" }
            text += "# HELP \(head) \(escaped(family.help, quotes: self == .openMetrics))\n"
            for sample in family.samples {
                switch sample.value {
                case .number(let value): line(family.name + total, sample.labels, value, &text)
                case .histogram(let bounds, let counts, let sum):
                    var count: Int64 = 0
                    for (place, number) in counts.enumerated() {
                        count += number
                        let bound = place < bounds.count ? "\(bounds[place])" : "+Inf"
                        let labels = sample.labels + [MetricFamily.Label(name: "le", value: bound)]
                        line(family.name + "_bucket", labels, Double(count), &text)
                    }
                    line(family.name + "_count", sample.labels, Double(count), &text)
                    line(family.name + "_sum", sample.labels, sum, &text)
                }
            }
        }
        if self == .openMetrics { text += "# EOF\n" }
        return text
    }

    private func line(_ name: String, _ labels: [MetricFamily.Label], _ value: Double, _ text: inout String) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        let whole = Int64(exactly: value)
        text += whole.map { " \($0)\n" } ?? " \(value)\n"
    }

    /// Backslashes and line ends, and quotes where they would end a value.
    private func escaped(_ value: String, quotes: Bool) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\"" where quotes: text += "\\\""
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension HTTPResponse {
    /// A page of metrics, in the format that the request asks for.
    package static func metrics(_ families: [MetricFamily], for request: HTTPRequest) -> HTTPResponse {
        let format = MetricsFormat(accept: request.header("Accept"))
        return HTTPResponse(
            type: format.contentType, Array(format.text(families).utf8),
            headers: [("Cache-Control", "no-store"), ("Vary", "Accept")])
    }
}
