import HeadwayWire
import Testing

@testable import Aggregator

@Suite("LeaseWatch")
struct LeaseWatchTests {
    static func control(_ owner: String, nonce: String, beat: Int64, next: String = "") -> Control {
        var control = Control()
        control.owner = owner.isEmpty ? nil : owner
        control.nonce = nonce
        control.beat = beat
        control.next = next.isEmpty ? nil : next
        return control
    }

    func watch() -> LeaseWatch { LeaseWatch(lease: .seconds(5), instance: "me") }

    @Test("a partition that nobody ever owned is taken at once")
    func unowned() {
        var watch = watch()
        #expect(watch.observe(nil, at: .zero) == .take)
    }

    @Test("a partition that its owner handed back is taken at once")
    func released() {
        var watch = watch()
        #expect(watch.observe(Self.control("", nonce: "a", beat: 9), at: .zero) == .take)
    }

    @Test("a partition that names this instance as the next is taken at once, another's is not")
    func named() {
        var watch = watch()
        #expect(watch.observe(Self.control("you", nonce: "a", beat: 1, next: "someone"), at: .zero) == .wait)
        #expect(watch.observe(Self.control("you", nonce: "a", beat: 1, next: "me"), at: .seconds(1)) == .take)
    }

    @Test("a partition that was handed to another is left to it, for as long as a lease")
    func handed() {
        var watch = watch()
        watch.ownNonce = "a"
        let control = Self.control("", nonce: "a", beat: 9, next: "someone")
        for second in 0..<5 { #expect(watch.observe(control, at: .seconds(second)) == .wait) }
        #expect(watch.observe(control, at: .seconds(5)) == .take)
        var heir = LeaseWatch(lease: .seconds(5), instance: "someone")
        #expect(heir.observe(control, at: .zero) == .take)
    }

    @Test("nobody waits for an heir who has left")
    func heirLeft() {
        let control = Self.control("", nonce: "a", beat: 9, next: "someone")
        var watch = watch()
        watch.present = ["me", "someone"]
        #expect(watch.observe(control, at: .zero) == .wait)
        watch.present = ["me"]
        #expect(watch.observe(control, at: .seconds(1)) == .take)
        // An owner that serves is nobody's to take, whoever it names and whether it is seen or not.
        #expect(
            watch.observe(Self.control("you", nonce: "b", beat: 1, next: "someone"), at: .seconds(2)) == .wait
        )
    }

    @Test("one's own last nonce is taken back at once")
    func own() {
        var watch = watch()
        watch.ownNonce = "mine"
        #expect(watch.observe(Self.control("me", nonce: "mine", beat: 1), at: .zero) == .take)
    }

    @Test("an owner whose beat stands still for the whole lease is gone")
    func silent() {
        var watch = watch()
        for second in 0..<5 {
            #expect(watch.observe(Self.control("you", nonce: "a", beat: 7), at: .seconds(second)) == .wait)
        }
        #expect(watch.observe(Self.control("you", nonce: "a", beat: 7), at: .seconds(5)) == .take)
    }

    @Test("an owner that beats is never taken over, however long it lives")
    func beating() {
        var watch = watch()
        for second in 0..<1000 {
            let control = Self.control("you", nonce: "a", beat: Int64(second / 4))
            #expect(watch.observe(control, at: .seconds(second)) == .wait)
        }
    }

    @Test("a new owner starts the count anew")
    func replaced() {
        var watch = watch()
        for second in 0..<5 {
            _ = watch.observe(Self.control("you", nonce: "a", beat: 7), at: .seconds(second))
        }
        #expect(watch.observe(Self.control("they", nonce: "b", beat: 7), at: .seconds(5)) == .wait)
        #expect(watch.observe(Self.control("they", nonce: "b", beat: 7), at: .seconds(6)) == .wait)
    }

    @Test("time that this instance slept through does not count")
    func ownPause() {
        var watch = watch()
        #expect(watch.observe(Self.control("you", nonce: "a", beat: 7), at: .zero) == .wait)
        // Frozen for an hour: the owner may have beaten all the while and stopped only now.
        #expect(watch.observe(Self.control("you", nonce: "a", beat: 7), at: .seconds(3600)) == .wait)
        #expect(watch.observe(Self.control("you", nonce: "a", beat: 7), at: .seconds(3601)) == .wait)
    }

    @Test("time without successful reads does not count")
    func blind() {
        var watch = watch()
        for step in 0..<40 {
            #expect(
                watch.observe(Self.control("you", nonce: "a", beat: 7), at: .milliseconds(step * 900))
                    == .wait)
            watch.lostSight()
        }
    }
}
