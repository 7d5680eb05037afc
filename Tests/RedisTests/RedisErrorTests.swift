import Redis
import Testing

@Suite("RedisError")
struct RedisErrorTests {
    typealias Row = (reply: String, code: RedisError.Code, outcome: RedisError.Outcome)

    static let replies: [Row] = [
        ("LOADING Redis is loading the dataset in memory", .commandRejected, .refused),
        ("BUSY Redis is busy running a script.", .commandRejected, .refused),
        ("OOM command not allowed when used memory > 'maxmemory'.", .commandRejected, .refused),
        ("MISCONF Redis is configured to save RDB snapshots", .commandRejected, .refused),
        ("NOREPLICAS Not enough good replicas to write.", .commandRejected, .refused),
        ("CLUSTERDOWN The cluster is down", .commandRejected, .refused),
        ("TRYAGAIN Multiple keys request during rehashing of slot", .commandRejected, .refused),
        ("MASTERDOWN Link with MASTER is down", .commandRejected, .refused),
        ("READONLY You can't write against a read only replica.", .commandRejected, .refused),
        ("UNBLOCKED force unblock from blocking operation", .commandRejected, .refused),
        ("MOVED 3999 127.0.0.1:6381", .commandRejected, .refused),
        ("EXECABORT Transaction discarded because of previous errors.", .commandRejected, .refused),
        ("ERR max number of clients reached", .commandRejected, .refused),
        ("LOADING", .commandRejected, .refused),
        ("BUSYGROUP Consumer Group name already exists", .commandRejected, .fatal),
        ("BUSYKEY Target key name already exists.", .commandRejected, .fatal),
        ("OOMPH no such word", .commandRejected, .fatal),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", .commandRejected, .fatal),
        ("NOPERM this user has no permissions", .commandRejected, .fatal),
        ("ERR syntax error", .commandRejected, .fatal),
        ("", .commandRejected, .fatal),
        ("NOAUTH Authentication required.", .authenticationFailed, .fatal),
        ("WRONGPASS invalid username-password pair", .authenticationFailed, .fatal),
        ("DENIED Redis is running in protected mode", .authenticationFailed, .fatal),
    ]

    @Test("an error reply says whether to retry", arguments: replies)
    func classifies(_ row: Row) {
        let error = RedisError.refusal(row.reply, command: "XADD")
        #expect(error.code == row.code)
        #expect(error.outcome == row.outcome)
        #expect(error.detail == row.reply)
        #expect(error.command == "XADD")
    }

    @Test(
        "a code says what may have happened",
        arguments: [
            (RedisError.Code.unreachable, RedisError.Outcome.refused), (.closed, .refused),
            (.connectionLost, .unknown),
            (.timedOut, .unknown), (.protocolViolation, .fatal), (.unexpectedReply, .fatal),
            (.badURL, .fatal),
            (.authenticationFailed, .fatal), (.tooLarge, .fatal),
        ])
    func outcomes(_ code: RedisError.Code, _ outcome: RedisError.Outcome) {
        #expect(RedisError(code, command: "GET", detail: "").outcome == outcome)
    }

    @Test("what Redis quotes of the arguments is cut off, and so is what is very long")
    func quotes() {
        let quoting = "ERR unknown command 'FOO', with args beginning with: 's3cret' "
        #expect(
            RedisError.refusal(quoting, command: "FOO").description
                == "FOO: commandRejected: ERR unknown command 'FOO'")
        #expect(
            RedisError.refusal(String(repeating: "x", count: 10_000), command: "EVAL").detail.count == 500)
    }
}
