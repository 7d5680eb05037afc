package import HeadwayWire
package import Redis

extension RedisConnection {
    /// Reads what is fixed in a namespace; sets it up when nobody has used it yet.
    ///
    /// - Parameters:
    ///   - partitions: what a new namespace gets; what is stored already counts more.
    ///   - deadline: for the answer.
    /// - Throws: `unexpectedReply` when the namespace speaks a later wire, or is not one.
    package func openNamespace(
        _ namespace: String, partitions: Int, deadline: Duration = .seconds(5)
    ) async throws(RedisError) -> Keyspace {
        do {
            let wish = try Keyspace(namespace: namespace, partitions: partitions)
            var fields = FieldBuffer()
            NamespaceConfig(partitions: partitions).encode(into: &fields)
            var batch = CommandBatch()
            for (name, value) in fields {
                batch.begin("HSETNX", argumentCount: 3)
                batch.append(wish.config)
                batch.append(name)
                batch.append(value)
            }
            batch.add("HGETALL", wish.config)
            let replies = try await send(batch, deadline: deadline)
            // A user who may only read can still work in a namespace that is there.
            guard let stored = replies.last, let elements = stored.elements else {
                throw batch.firstError(in: replies)
                    ?? RedisError(.unexpectedReply, command: "HGETALL", detail: "no hash at \(wish.config)")
            }
            guard let config = try NamespaceConfig(fields: FieldBuffer(elements)) else {
                throw batch.firstError(in: replies)
                    ?? RedisError(.unexpectedReply, command: "HGETALL", detail: "\(wish.config) stays empty")
            }
            guard config.wire <= NamespaceConfig.wire else {
                throw RedisError(
                    .unexpectedReply, command: "HGETALL",
                    detail:
                        "namespace \(namespace) speaks wire version \(config.wire), this program \(NamespaceConfig.wire): "
                        + "update it")
            }
            return try Keyspace(namespace: namespace, partitions: config.partitions)
        } catch let error as RedisError {
            throw error
        } catch let error as Keyspace.Problem {
            throw RedisError(.badURL, command: "namespace", detail: error.description)
        } catch {
            throw RedisError(
                .unexpectedReply, command: "HGETALL", detail: "\(namespace):config cannot be read: \(error)")
        }
    }
}

extension FieldBuffer {
    /// Names and values of a flat array, such as the reply to `HGETALL`.
    init(_ elements: RESPElements) {
        self.init()
        var iterator = elements.makeIterator()
        while let name = iterator.next()?.bytes, let value = iterator.next()?.bytes {
            add(name: name, value: value)
        }
    }
}
