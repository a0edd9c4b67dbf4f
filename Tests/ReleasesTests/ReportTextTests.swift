import Domain
@testable import Releases
import Testing

struct ReportTextTests {
    @Test(
        arguments: [
            ("plain", "`plain`"), ("a|b", "`a\\|b`"), ("", "(empty)"), ("a\nb", "`a b`"),
            ("a`b", "a\\`b"), ("<b>`@you`</b>", "\\<b\\>\\`\\@you\\`\\</b\\>"),
        ]
    )
    func `what others wrote stays text`(text: String, shown: String) {
        #expect(Markdown.code(text) == shown)
    }

    @Test func `plain words lose what Markdown would read into them`() {
        #expect(Markdown.text("[x](http://y) | # *z*") == "\\[x\\](http://y) \\| \\# \\*z\\*")
        #expect(Markdown.text(String(repeating: "a", count: 300)).count == 201)
    }
}
