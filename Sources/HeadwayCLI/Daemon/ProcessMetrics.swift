import Glibc
import HTTPServer

/// What Linux says of this process, under the names that every Prometheus client uses.
///
/// What `/proc` does not tell is left out.
enum ProcessMetrics {
    static var families: [MetricFamily] {
        var version = MetricFamily("headway_build_info", .gauge, "What runs, as labels; always 1.")
        version.add(1, ["version": Main.version])
        var families = [version]
        if let usage = Usage() { families += usage.families }
        let names = try? FileAccess.names(in: "/proc/self/fd")
        if let open = names?.count {
            families.append(.of("process_open_fds", .gauge, open, "Descriptors that are open."))
        }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            families.append(
                .of("process_max_fds", .gauge, limit.rlim_cur, "Descriptors that may be open."))
        }
        return families
    }

    /// `/proc/self/stat`, as far as it is shown.
    private struct Usage {
        let cpu: Double
        let resident: Int
        let virtual: Int
        /// Unix time.
        let start: Double?

        init?() {
            guard let bytes = try? FileAccess.read("/proc/self/stat") else { return nil }
            let text = String(decoding: bytes, as: UTF8.self)
            // The program's name stands in brackets and may have spaces in it.
            guard let end = text.lastIndex(of: ")") else { return nil }
            let fields = text[end...].split(separator: " ").dropFirst().map(String.init)
            let ticks = Double(sysconf(CInt(_SC_CLK_TCK)))
            guard fields.count > 21, ticks > 0, let user = Double(fields[11]),
                let system = Double(fields[12]),
                let began = Double(fields[19]), let size = Int(fields[20]), let pages = Int(fields[21])
            else { return nil }
            cpu = (user + system) / ticks
            virtual = size
            resident = pages * Int(sysconf(CInt(_SC_PAGESIZE)))
            start = Self.boot.map { $0 + began / ticks }
        }

        private static let boot: Double? = {
            guard let bytes = try? FileAccess.read("/proc/stat") else { return nil }
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
                $0.hasPrefix("btime ")
            }
            return line.flatMap { Double($0.dropFirst("btime ".count)) }
        }()

        var families: [MetricFamily] {
            var seconds = MetricFamily("process_cpu_seconds", .counter, "Processor time used.")
            seconds.add(.number(cpu))
            var families = [
                seconds,
                .of("process_resident_memory_bytes", .gauge, resident, "Memory held."),
                .of("process_virtual_memory_bytes", .gauge, virtual, "Addresses used."),
            ]
            if let start {
                var began = MetricFamily(
                    "process_start_time_seconds", .gauge, "When it started, as Unix time.")
                began.add(.number(start))
                families.append(began)
            }
            return families
        }
    }
}
