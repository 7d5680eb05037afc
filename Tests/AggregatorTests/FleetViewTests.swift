import Seeded
import HeadwayWire
import Testing

@testable import Aggregator

@Suite("FleetView")
struct FleetViewTests {
    /// Instances with their shares, told to `view` often enough to be trusted.
    private func told(_ owned: [String: Int], to view: inout FleetView, beats: Range<Int64> = 0..<3) {
        for beat in beats {
            let all = owned.mapValues { InstanceBeat(beat: beat, owned: $0) }
            view.observe(all, at: .seconds(beat))
        }
    }

    private func view(_ name: String) -> FleetView { FleetView(instance: name, lease: .seconds(5)) }

    @Test("alone, an instance keeps everything")
    func alone() {
        var view = view("a")
        told(["a": 8], to: &view)
        #expect(view.heir(owned: 8) == nil)
        #expect(view.living == ["a"])
    }

    @Test("a newcomer is given something only once it was seen to move")
    func newcomer() {
        var view = view("a")
        view.observe(["a": InstanceBeat(beat: 1, owned: 8), "b": InstanceBeat(beat: 7, owned: 0)], at: .zero)
        #expect(view.heir(owned: 8) == nil)
        view.observe(
            ["a": InstanceBeat(beat: 2, owned: 8), "b": InstanceBeat(beat: 8, owned: 0)], at: .seconds(1))
        #expect(view.heir(owned: 8) == "b")
    }

    @Test("what is left of a dead instance is given nothing, and is removed in the end")
    func dead() {
        var view = view("a")
        for second in 0...40 {
            view.observe(
                ["a": InstanceBeat(beat: Int64(second), owned: 8), "dead": InstanceBeat(beat: 3, owned: 0)],
                at: .seconds(second))
            #expect(view.heir(owned: 8) == nil)
        }
        #expect(view.gone == ["dead"])
    }

    @Test("an instance whose beat stands still for the lease is given nothing more")
    func stopped() {
        var view = view("a")
        told(["a": 6, "b": 2], to: &view)
        #expect(view.heir(owned: 6) == "b")
        for second in 3...8 {
            view.observe(["b": InstanceBeat(beat: 2, owned: 2)], at: .seconds(second))
        }
        #expect(view.heir(owned: 6) == nil)
        #expect(view.living == ["a"])
    }

    @Test("whoever takes over from a dead instance hands nothing back to it")
    func notBackToTheDead() {
        var view = view("a")
        told(["a": 4, "b": 4], to: &view)
        // b is killed after its last beat; its leases run out five seconds later, maybe a tick before its own.
        for tenth in 1...49 {
            view.observe(
                ["b": InstanceBeat(beat: 2, owned: 4)], at: .seconds(2) + .milliseconds(100 * tenth))
        }
        #expect(view.heir(owned: 8) == nil)
    }

    @Test("time that this instance slept through makes nobody dead")
    func ownPause() {
        var view = view("a")
        told(["a": 6, "b": 2], to: &view)
        view.observe(["b": InstanceBeat(beat: 2, owned: 2)], at: .seconds(3600))
        #expect(view.living == ["a", "b"])
    }

    @Test("one that is leaving is given nothing")
    func leaving() {
        var view = view("a")
        told(["a": 8, "b": 0], to: &view)
        view.observe(["b": InstanceBeat(beat: 9, owned: 0, isLeaving: true)], at: .seconds(3))
        #expect(view.heir(owned: 8) == nil)
    }

    @Test("what was promised counts until the heir's own beat can know of it")
    func promises() {
        var view = view("a")
        told(["a": 4, "b": 2], to: &view)
        #expect(view.heir(owned: 4) == "b")
        view.promise(to: "b")
        #expect(view.heir(owned: 3) == nil)
        #expect(view.heir(owned: 4) == nil)
    }

    @Test("whatever the shares, handing over ends with all alike, in at most as many steps as partitions")
    func converges() throws {
        for seed in UInt64(0)..<500 {
            var random = SplitMix64(seed: seed)
            let names = (0..<Int.random(in: 1...6, using: &random)).map { "i\($0)" }
            let partitions = Int.random(in: 1...64, using: &random)
            var owned = Dictionary(uniqueKeysWithValues: names.map { ($0, 0) })
            for _ in 0..<partitions { owned[names.randomElement(using: &random) ?? "i0", default: 0] += 1 }
            var views = Dictionary(uniqueKeysWithValues: names.map { ($0, view($0)) })
            var steps = 0
            var beat: Int64 = 0
            // What was promised counts for two beats more, so one quiet beat is not the end.
            var quiet = 0
            while steps <= 4 * partitions {
                beat += 1
                let told = owned.mapValues { InstanceBeat(beat: beat, owned: $0) }
                var moved = false
                for name in names {
                    views[name]?.observe(told, at: .seconds(beat))
                    if let heir = views[name]?.heir(owned: owned[name] ?? 0) {
                        views[name]?.promise(to: heir)
                        owned[name, default: 0] -= 1
                        owned[heir, default: 0] += 1
                        moved = true
                    }
                }
                steps += 1
                quiet = moved ? 0 : quiet + 1
                if quiet == 5 { break }
            }
            let spread = (owned.values.max() ?? 0) - (owned.values.min() ?? 0)
            #expect(spread <= 1, "seed \(seed): \(owned)")
            #expect(owned.values.reduce(0, +) == partitions, "seed \(seed)")
        }
    }
}
