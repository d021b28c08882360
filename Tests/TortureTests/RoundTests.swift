import TestKit
import Testing

@Suite struct RoundTests {
    @Test func everyRoundHasRandomnessOfItsOwnAndCanBePlayedAgain() {
        func first(_ suite: String) -> [UInt64] {
            Torture.rounds(of: suite, short: 20).prefix(20).map { round in
                var random = round.random
                return random.next()
            }
        }
        #expect(first("one") == first("one"))
        #expect(Set(first("one") + first("two")).count == 40)
    }
}
