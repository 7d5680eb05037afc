import Redis
import Testing

@Suite("RedisEndpoint")
struct RedisEndpointTests {
    typealias Good = (url: String, endpoint: RedisEndpoint)

    static let readable: [Good] = [
        ("redis://127.0.0.1", RedisEndpoint(.tcp(host: "127.0.0.1", port: 6379))),
        ("redis://127.0.0.1:7000", RedisEndpoint(.tcp(host: "127.0.0.1", port: 7000))),
        ("REDIS://redis.example/", RedisEndpoint(.tcp(host: "redis.example", port: 6379))),
        ("redis://h/3", RedisEndpoint(.tcp(host: "h", port: 6379), database: 3)),
        ("redis://h?db=4", RedisEndpoint(.tcp(host: "h", port: 6379), database: 4)),
        ("redis://:pw@h:1", RedisEndpoint(.tcp(host: "h", port: 1), password: "pw")),
        (
            "redis://me:pw@h:65535/15",
            RedisEndpoint(.tcp(host: "h", port: 65535), user: "me", password: "pw", database: 15)
        ),
        ("redis://:a%2Fb%40c%3a%25@h", RedisEndpoint(.tcp(host: "h", port: 6379), password: "a/b@c:%")),
        ("redis://:p@ss@h", RedisEndpoint(.tcp(host: "h", port: 6379), password: "p@ss")),
        ("redis://:@h", RedisEndpoint(.tcp(host: "h", port: 6379))),
        ("redis://[::1]", RedisEndpoint(.tcp(host: "::1", port: 6379))),
        (
            "redis://:pw@[fe80::2]:7/1",
            RedisEndpoint(.tcp(host: "fe80::2", port: 7), password: "pw", database: 1)
        ),
        ("unix:///run/redis.sock", RedisEndpoint(.unix(path: "/run/redis.sock"))),
        ("unix:///run/my%20redis.sock?db=2", RedisEndpoint(.unix(path: "/run/my redis.sock"), database: 2)),
        (
            "unix:///r.sock?password=p%26w&user=me&db=0",
            RedisEndpoint(.unix(path: "/r.sock"), user: "me", password: "p&w")
        ),
    ]

    @Test("reads", arguments: readable)
    func reads(_ c: Good) throws {
        #expect(try RedisEndpoint(url: c.url) == c.endpoint)
    }

    typealias Bad = (url: String, words: String)

    static let unreadable: [Bad] = [
        ("", "scheme"), ("127.0.0.1:6379", "scheme"), ("http://h", "http://"),
        ("rediss://h", "not supported yet"),
        ("redis+sentinel://h/name", "not supported yet"), ("redis://a,b", "several nodes"),
        ("redis://", "host is empty"), ("redis:///0", "host is empty"), ("redis://:pw@", "host is empty"),
        ("redis://:7000", "host is empty"), ("redis://h:", "port"), ("redis://h:0", "port"),
        ("redis://h:65536", "port"),
        ("redis://h:+7", "port"), ("redis://h:7x", "port"), ("redis://::1", "brackets"),
        ("redis://[::1", "no ]"),
        ("redis://[::1]7", "after ]"), ("redis://h/x", "database"), ("redis://h/-1", "database"),
        ("redis://h/1/2", "database"), ("redis://me@h", "without a password"), ("redis://:%zz@h", "%"),
        ("redis://:%4@h", "%"), ("redis://:%ff@h", "UTF-8"), ("redis://h?pool=3", "options"),
        ("unix://run/redis.sock", "absolute"), ("unix://", "absolute"), ("unix:///", "empty"),
        ("unix:///a%00b", "zero byte"), ("unix:///r.sock?user=me", "without a password"),
        ("unix:///r.sock?db=many", "database"), ("unix:///" + String(repeating: "a", count: 107), "107"),
    ]

    @Test("refuses, and says what is wrong", arguments: unreadable)
    func refuses(_ c: Bad) {
        let error = #expect(throws: RedisError.self) { try RedisEndpoint(url: c.url) }
        #expect(error?.code == .badURL)
        #expect(error?.outcome == .fatal)
        #expect(error?.detail.contains(c.words) == true, "\(c.url): \(error?.detail ?? "")")
    }

    @Test(
        "never shows the password, whatever is printed",
        arguments: [
            "redis://me:s3cret@h:7/1", "unix:///r.sock?password=s3cret&user=me",
        ])
    func secret(_ url: String) throws {
        let endpoint = try RedisEndpoint(url: url)
        var dumped = ""
        dump(endpoint, to: &dumped)
        dump([endpoint], to: &dumped)
        for text in [
            "\(endpoint)", String(reflecting: endpoint), "\([endpoint])", "\(Optional(endpoint) as Any)",
            dumped,
        ] {
            #expect(!text.contains("s3cret"))
        }
    }

    @Test(
        "an error quotes no piece of the password",
        arguments: [
            "redis://:s3/cret@h", "redis://:s3cret%@h", "redis://h:s3cret", "unix:///r?pasword=s3cret",
        ])
    func secretInErrors(_ url: String) {
        let error = #expect(throws: RedisError.self) { try RedisEndpoint(url: url) }
        #expect(error?.description.contains("s3") == false)
    }
}
