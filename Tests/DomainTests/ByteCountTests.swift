import Domain
import Testing

struct ByteCountTests {
    @Test(arguments: [
        ("0", 0), ("7", 7), ("65536", 65_536), ("12B", 12), ("512KiB", 512 << 10),
        ("512MiB", 512 << 20), ("2GiB", 2 << 30), ("1TiB", 1 << 40), ("", nil), ("MiB", nil),
        ("-1", nil), ("1.5GiB", nil), ("2GB", nil), ("2 GiB", nil), ("2gib", nil),
        ("99999999999TiB", nil), ("9223372036854775808", nil), ("\u{0663}", nil),
    ])
    func `a number of bytes is read as people write it`(text: String, bytes: Int?) {
        #expect(byteCount(text) == bytes)
    }
}
