extension DefinitionFile {
    /// How many mistakes the file has by itself; what it refers to is not looked up.
    package func countMistakes() -> Int {
        let mistakes = Mistakes()
        var reader = DefinitionReader(mistakes: mistakes)
        reader.read([self])
        return mistakes.lines.count
    }
}
