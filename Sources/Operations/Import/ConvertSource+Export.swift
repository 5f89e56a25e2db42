internal import Bytes
internal import RDB

extension ConvertSource {
  /// Gives all that is wanted of an export to `output`.
  static func pass<Output: ConvertOutput & ~Copyable>(
    _ reader: inout ExportReader, to output: inout Output, _ pass: inout ConvertPass
  ) throws(ToolError) {
    let options = pass.options
    let isEverything = options.selection.isEverything
    while true {
      switch try reader.next() {
      case .key(let head):
        guard passes(options, head) else { break }
        if options.expiredBefore != nil && head.type == .hash {
          var builder = FlatValueBuilder(expiredBefore: options.expiredBefore)
          try reader.drain(into: &builder)
          if builder.isGone { break }
          builder.value.feed(&output)
        } else if head.type == .stream && output.wantsStandIns {
          var builder = FlatValueBuilder(expiredBefore: nil)
          try reader.drain(into: &builder)
          var finder = StandInFinder()
          builder.value.feed(&finder)
          output.prepare(finder.found)
          builder.value.feed(&output)
        } else {
          try reader.drain(into: &output)
        }
        pass.note(output.lost, head.db, head.key)
      case .aux(let name, let text): output.aux(name, text)
      case .function(let code):
        if isEverything && !output.function(code) {
          pass.report.lose("a library of functions: the target has none")
        }
      case .moduleData(let id, _, let raw):
        if isEverything && !output.moduleAux(raw) {
          pass.report.lose(
            "data of the module type \(ModuleTypeID(id).name) that belongs to no key",
            isModuleData: true)
        }
      case .hint: break
      case .end: return
      }
      if pass.isOver || output.buffer.failure != nil { return }
    }
  }

  private static func passes(_ options: Convert.Options, _ head: KeyHead) -> Bool {
    if let limit = options.expiredBefore, let time = head.expiresAt, time < limit { return false }
    let selection = options.selection
    if selection.isEverything { return true }
    return selection.matches(database: head.db)
      && selection.matches(type: head.type, expiresAt: head.expiresAt)
      && (!selection.looksAtNames || selection.matches(name: head.key))
  }
}
