import Aggregator
import HeadwayCore
import HeadwayWire

/// `--webhook` and what goes with it, checked before anything starts.
enum WebhookChoice {
    static let options = [
        Option(
            "webhook", nil, .text("URL"),
            "posts to this URL what ends and fails; may be given several times", isRepeatable: true),
        Option(
            "webhook-secret", nil, .text("SECRET"),
            "what webhooks are signed with: whsec_ and base64, or any text of 16 bytes; better in the environment, "
                + "where ps does not show it"),
        Option(
            "webhook-events", nil, .text("LIST"),
            "which of \(WebhookEventType.ofCommits.map(\.rawValue).joined(separator: ", ")); all when left out",
            isRepeatable: true),
        Option(
            "webhook-patience", nil, .duration("TIME"), "how long a webhook is tried before it is given up",
            fallback: "24h"),
    ]

    /// Of those who serve: polls change no state, so an API writes of them itself, and an aggregator posts it.
    static let polls = Option(
        "webhook-polls", nil, .duration("TIME"),
        "tells webhooks this often how often jobs were looked at, by pipeline and stage (1s to 1d); not without it"
    )

    /// - Returns: nil when webhooks hear nothing of polls.
    static func readPolls(_ arguments: Arguments) throws(UsageError) -> Duration? {
        guard let period = arguments.duration("webhook-polls") else { return nil }
        guard period >= .seconds(1), period <= .seconds(86_400) else {
            throw UsageError("--webhook-polls wants a time from 1s to 1d")
        }
        return period
    }

    /// - Returns: nil when nobody is to be told.
    /// - Throws: ``UsageError`` that says what to do.
    static func read(_ arguments: Arguments) throws(UsageError) -> WebhookOptions? {
        let urls = list(arguments.text("webhook"))
        guard !urls.isEmpty else { return nil }
        guard let text = arguments.text("webhook-secret") else {
            throw UsageError(
                "--webhook needs HEADWAY_WEBHOOK_SECRET: by the signature a receiver knows that a call is ours; make "
                    + "one with: echo whsec_$(openssl rand -base64 32)")
        }
        let secret: WebhookSecret
        do {
            secret = try WebhookSecret(text)
        } catch {
            throw UsageError(
                "--webhook-secret \(error); make one with: echo whsec_$(openssl rand -base64 32)")
        }
        do {
            var options = try WebhookOptions(urls: urls, secret: secret, events: try events(arguments))
            if let patience = arguments.duration("webhook-patience") { options.policy.patience = patience }
            return options
        } catch let problem as WebhookOptions.Problem {
            throw UsageError("--webhook: \(problem)")
        } catch let error as UsageError {
            throw error
        } catch {
            throw UsageError("--webhook: \(error)")
        }
    }

    private static func events(_ arguments: Arguments) throws(UsageError) -> Set<WebhookEventType> {
        let names = list(arguments.text("webhook-events"))
        guard !names.isEmpty else { return Set(WebhookEventType.ofCommits) }
        var events: Set<WebhookEventType> = []
        for name in names {
            if name == WebhookEventType.jobPolls.rawValue {
                throw UsageError("--webhook-events: \(name) has an option of its own, --webhook-polls TIME")
            }
            guard let event = WebhookEventType(rawValue: name) else {
                let known = WebhookEventType.ofCommits.map(\.rawValue)
                let hint = Suggestion.nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
                throw UsageError(
                    "--webhook-events: there is no \"\(Printable.line(name, limit: 40))\" among "
                        + known.joined(separator: ", ") + hint)
            }
            events.insert(event)
        }
        return events
    }

    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }
}
