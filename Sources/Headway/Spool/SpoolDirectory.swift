import Glibc
import HeadwayCore
package import HeadwayWire

/// A directory of spool files, one per process.
package struct SpoolDirectory: Sendable {
    let path: String

    /// - Parameter path: made when it is missing, for this user's eyes only.
    init(making path: String) throws(SpoolProblem) {
        try Self.make(path)
        self.path = path
    }

    /// - Parameter path: of a directory that is there.
    package init(at path: String) { self.path = path }

    private static func make(_ path: String) throws(SpoolProblem) {
        var info = stat()
        if unsafe stat(path, &info) == 0 {
            guard info.st_mode & S_IFMT == S_IFDIR else {
                throw SpoolProblem(path: path, call: "open", number: ENOTDIR)
            }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try make(String(path[..<slash])) }
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw SpoolProblem(path: path, call: "mkdir", number: errno)
        }
    }

    func file(_ name: SpoolName) -> String { "\(path)/\(name)" }

    /// Names in it, sorted.
    func names() throws(SpoolProblem) -> [String] {
        guard let directory = unsafe opendir(path) else {
            throw SpoolProblem(path: path, call: "opendir", number: errno)
        }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            names.append(
                unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                    unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.sorted()
    }

    /// A name that was made or changed survives a power cut after this.
    static func sync(of path: String) throws(SpoolProblem) {
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolProblem(path: directory, call: "open", number: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw SpoolProblem(path: directory, call: "fsync", number: errno)
        }
    }

    // MARK: Looking in from outside

    /// A spool file as somebody sees it who only looks.
    package struct Glance: Sendable, Equatable {
        package var name: String
        package var bytes: Int
        /// Its process lives.
        package var isHeld: Bool
        /// Of a namespace, or a number of partitions, other than the one that was asked about.
        package var isForeign: Bool
        /// Its readable events, by partition and source.
        package var ends: [End]
        package var events: Int
        package var damages: Int
        /// Put aside after it was replayed as far as it could be read.
        package var isPutAside: Bool
        /// What kept it from being read.
        package var problem: String?
    }

    package struct End: Sendable, Hashable {
        package var partition: Int
        package var source: String
        package var number: Int64
        /// How many numbers up to it are in the file.
        package var count: Int64
    }

    /// How many spool files of the namespace nobody has taken over yet. Reads none of them, but looks at each one's
    /// lock, which for that moment keeps others from taking it over: not to be asked many times a second.
    ///
    /// - Throws: ``HeadwayError`` with `spool` when the directory cannot be read.
    package func waiting(_ keyspace: Keyspace) throws(HeadwayError) -> Int {
        do throws(SpoolProblem) {
            return try names().count { name in
                guard let spool = SpoolName(name), spool.belongs(to: keyspace) else { return false }
                let file = "\(path)/\(name)"
                // Removed since it was listed: its events are applied.
                return unsafe !SpoolFile.isHeld(file) && access(file, F_OK) == 0
            }
        } catch {
            throw HeadwayError(error)
        }
    }

    /// Reads every spool file and changes none.
    ///
    /// - Throws: ``HeadwayError`` with `spool` when the directory cannot be read.
    package func glances(_ keyspace: Keyspace) throws(HeadwayError) -> [Glance] {
        let names: [String]
        do throws(SpoolProblem) {
            names = try self.names()
        } catch {
            throw HeadwayError(error)
        }
        return names.compactMap { name in
            let isPutAside = name.hasSuffix(SpoolName.damaged)
            let plain = isPutAside ? String(name.dropLast(SpoolName.damaged.count)) : name
            guard let spool = SpoolName(plain) else { return nil }
            let file = "\(path)/\(name)"
            var glance = Glance(
                name: name, bytes: 0, isHeld: SpoolFile.isHeld(file), isForeign: !spool.belongs(to: keyspace),
                ends: [], events: 0, damages: 0, isPutAside: isPutAside)
            do throws(SpoolProblem) {
                let bytes = try SpoolFile.read(file)
                let reading = SpoolReading(bytes)
                let events = SpooledEvents(reading.records, keyspace)
                glance.bytes = bytes.count
                glance.damages = reading.damages + events.unreadable
                glance.events = reading.records.count
                for lane in events.lanes {
                    glance.ends.append(
                        End(
                            partition: lane.partition, source: lane.source, number: lane.last,
                            count: Int64(lane.events.count)))
                }
            } catch {
                // Removed since it was listed: its events are applied.
                guard error.number != ENOENT else { return nil }
                glance.problem = error.text
            }
            return glance
        }
    }
}

extension HeadwayError {
    init(_ problem: SpoolProblem) {
        self.init(
            .spool,
            "The spool \(problem.path) cannot be used (\(problem.call): \(problem.text)). "
                + Self.advice(problem.number))
    }

    private static func advice(_ number: CInt) -> String {
        switch number {
        case ENOSPC, EDQUOT, EFBIG: "Make room on that disk; events go on without it meanwhile."
        case EACCES, EPERM, EROFS: "Give this user the right to write there, or name another directory."
        case ENOTDIR: "Name a directory."
        default: "Look at that disk, or name another directory."
        }
    }
}
