import Testing

/// What `deploy/` has, run or read by the tools that it is made for.
@Suite("Deployment", .serialized, .timeLimit(.minutes(15)))
struct DeployTests {
    @Test(
        "users.acl: each part does its whole work with the rights of its role, and Redis refuses it nothing")
    func rights() async throws { try await Checks.run("rights", "job", Checks.repository) }

    @Test(
        "users.acl: an API that may not store summaries of polls says so once, and does the rest of its work")
    func polls() async throws { try await Checks.run("rights", "polls", Checks.repository) }

    @Test("users.acl: what a role is not granted is refused, and nobody gets in without a password")
    func refused() async throws { try await Checks.run("rights", "refused", Checks.repository) }

    @Test("redis.conf: what Redis has acknowledged outlives its kill -9")
    func durable() async throws { try await Checks.run("rights", "durable", Checks.repository) }

    @Test("systemd: systemd-analyze finds nothing wrong with the units")
    func units() async throws { try await Checks.run("units", "verify", Checks.repository) }

    @Test("systemd: the exposure of the services is below its threshold")
    func exposure() async throws { try await Checks.run("units", "security", Checks.repository) }

    @Test("systemd: type, watchdog, restart and hardening are as documented, of both services alike")
    func settings() async throws { try await Checks.run("units", "kept", Checks.repository) }

    @Test("systemd: no system call of a service's whole life is one that its filter would refuse")
    func systemCalls() async throws { try await Checks.run("units", "calls", Checks.repository) }

    @Test("systemd: the units' command lines run with their files, the API on the socket that it inherits")
    func unitCommands() async throws { try await Checks.run("units", "commands", Checks.repository) }

    @Test("docker-compose.yml is what the Compose schema allows")
    func composeSchema() async throws {
        try await Checks.run("containers", "schema", Checks.repository, by: Checks.tools)
    }

    @Test("docker-compose.yml: files, dependencies, health checks, profiles and ports are in order")
    func composeShape() async throws {
        try await Checks.run("containers", "shape", Checks.repository, by: Checks.tools)
    }

    @Test("docker-compose.yml: each service's command runs as a plain process, healthy in the order written")
    func composeProcesses() async throws {
        try await Checks.run("containers", "processes", Checks.repository, by: Checks.tools)
    }

    @Test("Dockerfile: what it copies and installs is there, and its image has every library that is linked")
    func image() async throws {
        try await Checks.run("containers", "image", Checks.repository, by: Checks.tools)
    }

    @Test("Kubernetes: the manifests are what the schemas allow, strictly")
    func manifests() async throws {
        try await Checks.run("containers", "kubernetes", Checks.repository, by: Checks.tools)
    }

    @Test("Kubernetes: each container's arguments run, and each probe is answered")
    func pods() async throws {
        try await Checks.run("containers", "pods", Checks.repository, by: Checks.tools)
    }

    @Test("nginx: a frame of a stream passes at once, uncompressed")
    func proxiedStream() async throws { try await Checks.run("proxied", "stream", Checks.repository) }

    @Test("nginx: polls are compressed, conditional and long; tokens stay out of the log")
    func proxiedPoll() async throws { try await Checks.run("proxied", "poll", Checks.repository) }

    @Test("nginx: no request fails while the API behind it is replaced")
    func proxiedRestart() async throws { try await Checks.run("proxied", "restarted", Checks.repository) }

    @Test("Debian package: lintian finds nothing, and the same input makes the same package")
    func lint() async throws { try await Checks.run("package", "lint", Checks.repository) }

    @Test("Debian package: installed, upgraded, removed and purged it leaves nothing but its user")
    func installed() async throws { try await Checks.run("package", "installed", Checks.repository) }
}
