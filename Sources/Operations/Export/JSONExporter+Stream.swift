// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

public import RDB
internal import Bytes

/// Streams as JSON.
///
/// ```text
/// {"entries":[["1-0",[field,value,…]],…],"length":N,"last-generated-id":ID,
///  "max-deleted-entry-id":ID,"recorded-first-entry-id":ID,"entries-added":N,
///  "groups":[{"name":S,"last-delivered-id":ID,"entries-read":N|null,
///             "pel":[[ID,consumer S,delivery time in ms,deliveries],…],
///             "consumers":[{"name":S,"seen-time":MS,"active-time":MS|-1},…]},…],
///  "idmp":{"duration":SECONDS,"maxsize":N,"producers":[{"name":S,"ids":[[S,ID],…]},…],
///          "ids-added":N,"duplicates":N}}
/// ```
///
/// A pending entry that nobody owns (negatively acknowledged) has the consumer `""`, as XINFO tells it.
/// `idmp` stands only where the dump has it (Redis 8.6 and later). Entries that are deleted but
/// still take room in the file are left out.
extension JSONExporter {
  /// What is being written.
  enum StreamPart {
    case entries, deleted, groups, idempotency, producers, complete
  }

  mutating func beginStream() {
    streamPart = .entries
    entryIsOpen = false
    groupIsOpen = false
    needsComma = false
    output.write("{\"entries\":[")
  }

  public mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _):
      closeEntry()
      if needsComma { output.write(",[\"") } else { output.write("[\"") }
      streamPart = .entries
      write(id)
      output.write("\",[")
      entryIsOpen = true
      needsComma = false
    case .deletedEntry:
      closeEntry()
      streamPart = .deleted
    case .field(let name, let value):
      guard streamPart == .entries else { return }
      if needsComma { output.write(0x2C) }
      needsComma = true
      write(string: name)
      output.write(0x2C)
      write(string: value)
    case .metadata(let metadata): writeMetadata(metadata)
    case .group(let name, let last, let read):
      closeGroup()
      pending.clear()
      if needsComma { output.write(",{\"name\":") } else { output.write("{\"name\":") }
      write(string: name)
      output.write(",\"last-delivered-id\":\"")
      write(last)
      if read < 0 {
        output.write("\",\"entries-read\":null,\"pel\":[")
      } else {
        output.write("\",\"entries-read\":")
        output.write(decimal: read)
        output.write(",\"pel\":[")
      }
      groupIsOpen = true
    case .pending(let id, let time, let count):
      pending.append(id, deliveredAt: time, count: count)
    case .consumer(let name, let seen, let active):
      pending.append(consumer: name, seenAt: seen, activeAt: active)
    case .owned(let id): pending.own(id)
    case .unowned: break
    case .idempotency(let seconds, let most):
      closeGroups()
      output.write(",\"idmp\":{\"duration\":")
      output.write(decimal: seconds)
      output.write(",\"maxsize\":")
      output.write(decimal: most)
      output.write(",\"producers\":[")
      streamPart = .idempotency
      needsComma = false
    case .producer(let name):
      closeProducer()
      if needsComma { output.write(",{\"name\":") } else { output.write("{\"name\":") }
      write(string: name)
      output.write(",\"ids\":[")
      streamPart = .producers
      needsComma = false
    case .producedID(let iid, let id):
      if needsComma { output.write(",[") } else { output.write(0x5B) }
      needsComma = true
      write(string: iid)
      output.write(",\"")
      write(id)
      output.write("\"]")
    case .idempotencyCounts(let added, let duplicates):
      closeProducer()
      output.write("],\"ids-added\":")
      output.write(decimal: added)
      output.write(",\"duplicates\":")
      output.write(decimal: duplicates)
      output.write(0x7D)
      streamPart = .complete
    }
  }

  mutating func endStream() {
    // Only a stream that was cut short ends before its numbers.
    if streamPart == .entries || streamPart == .deleted { writeMetadata(StreamMetadata()) }
    closeGroups()
    output.write(0x7D)
  }

  private mutating func write(_ id: StreamID) {
    output.write(decimal: id.ms)
    output.write(0x2D)
    output.write(decimal: id.seq)
  }

  private mutating func closeEntry() {
    guard entryIsOpen else { return }
    output.write("]]")
    entryIsOpen = false
    needsComma = true
  }

  private mutating func writeMetadata(_ metadata: StreamMetadata) {
    closeEntry()
    output.write("],\"length\":")
    output.write(decimal: metadata.length)
    output.write(",\"last-generated-id\":\"")
    write(metadata.lastID)
    output.write("\",\"max-deleted-entry-id\":\"")
    write(metadata.maxDeletedID)
    output.write("\",\"recorded-first-entry-id\":\"")
    write(metadata.firstID)
    output.write("\",\"entries-added\":")
    output.write(decimal: metadata.entriesAdded)
    output.write(",\"groups\":[")
    streamPart = .groups
    needsComma = false
  }

  private mutating func closeGroup() {
    guard groupIsOpen else { return }
    for index in pending.entries.indices {
      let entry = pending.entries[index]
      if index > 0 { output.write(",[\"") } else { output.write("[\"") }
      write(entry.id)
      output.write("\",")
      if entry.owner >= 0 {
        write(string: pending.name(entry.owner))
      } else {
        output.write("\"\"")
      }
      output.write(0x2C)
      output.write(decimal: entry.deliveredAt)
      output.write(0x2C)
      output.write(decimal: entry.count)
      output.write(0x5D)
    }
    output.write("],\"consumers\":[")
    for index in pending.consumers.indices {
      let consumer = pending.consumers[index]
      if index > 0 { output.write(",{\"name\":") } else { output.write("{\"name\":") }
      write(string: pending.name(index))
      output.write(",\"seen-time\":")
      output.write(decimal: consumer.seenAt)
      output.write(",\"active-time\":")
      output.write(decimal: consumer.activeAt)
      output.write(0x7D)
    }
    output.write("]}")
    groupIsOpen = false
    needsComma = true
  }

  private mutating func closeGroups() {
    guard streamPart == .groups else { return }
    closeGroup()
    output.write(0x5D)
    streamPart = .complete
  }

  private mutating func closeProducer() {
    if streamPart == .producers {
      output.write("]}")
      streamPart = .idempotency
      needsComma = true
    }
  }
}
