//===- SharedSection.cpp - the map of shared memory -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A slot of 72 KB and a barrier of 8 bytes have to be read on one page: each
// gets a row of its own, in order of address, next to a column that is to
// scale.
//
//===----------------------------------------------------------------------===//

#include "Page.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

static constexpr double kScale = 62, kScaleWidth = 26;
static constexpr double kNames = 128, kAddresses = 330, kPlot = 396;
static constexpr double kTop = 22;

namespace {
/// A slot, all slots of an array of barriers, or bytes that nothing uses.
struct Row {
  const Allocation *allocation = nullptr;
  int64_t slot = 0;
  int64_t begin = 0, end = 0;
  /// What lies over some of its bytes.
  std::string under;
  double y = 0, height = 0;

  int64_t bytes() const { return end - begin; }
};
} // namespace

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

static double getHeight(const Allocation *allocation, int64_t bytes) {
  constexpr int64_t kLarge = 4096;
  if (!allocation)
    return 20;
  if (allocation->kind == Allocation::Kind::Barrier)
    return 15;
  return bytes >= kLarge ? 46 : 22;
}

static Row makeRow(const Allocation *allocation, int64_t slot, int64_t begin,
                   int64_t end) {
  Row row;
  row.allocation = allocation;
  row.slot = slot;
  row.begin = begin;
  row.end = end;
  row.height = getHeight(allocation, end - begin);
  return row;
}

static std::string getName(const Row &row) {
  if (!row.allocation)
    return "unused";
  if (row.allocation->slots == 1)
    return row.allocation->name;
  if (row.allocation->kind == Allocation::Kind::Barrier)
    return row.allocation->name + " ×" + std::to_string(row.allocation->slots);
  return row.allocation->name + "[" + std::to_string(row.slot) + "]";
}

/// Slots and gaps, by address; what lies over another follows it.
static std::vector<Row> listRows(const Kernel &kernel) {
  std::vector<Row> rows;
  for (const Allocation &allocation : kernel.allocations) {
    if (allocation.kind == Allocation::Kind::Barrier) {
      rows.push_back(
          makeRow(&allocation, 0, allocation.offset, allocation.end()));
      continue;
    }
    for (int64_t slot = 0; slot < allocation.slots; ++slot) {
      int64_t begin = allocation.offset + slot * allocation.slotBytes;
      rows.push_back(
          makeRow(&allocation, slot, begin, begin + allocation.slotBytes));
    }
  }
  llvm::sort(rows, [](const Row &a, const Row &b) {
    return std::tuple(a.begin, -a.end, a.allocation) <
           std::tuple(b.begin, -b.end, b.allocation);
  });
  std::vector<Row> all;
  int64_t covered = 0;
  for (const Row &row : rows) {
    if (row.begin > covered)
      all.push_back(makeRow(nullptr, 0, covered, row.begin));
    all.push_back(row);
    covered = std::max(covered, row.end);
  }
  int64_t limit = kernel.target->sharedBytesPerCTA;
  if (covered < limit)
    all.push_back(makeRow(nullptr, 0, covered, limit));
  double y = kTop;
  for (Row &row : all) {
    for (const Row &other : rows)
      if (row.allocation && other.allocation->over == row.allocation->name &&
          other.begin < row.end && row.begin < other.end)
        row.under += (row.under.empty() ? "" : ", ") + getName(other);
    row.y = y;
    y += row.height + 2;
  }
  return all;
}

static std::string describeBytes(int64_t bytes) {
  return formatNumber(static_cast<double>(bytes)) + " B";
}

static std::string describeLayout(const Row &row) {
  std::string text = row.allocation->type;
  if (row.allocation->swizzle)
    text += ", swizzle " + std::to_string(row.allocation->swizzle) + " B";
  if (!row.allocation->over.empty())
    text += ", over " + row.allocation->over;
  if (!row.under.empty())
    text += ", under " + row.under;
  return text;
}

static std::string describeRow(const Row &row) {
  std::string tip = getName(row) + "\nbytes " +
                    formatNumber(static_cast<double>(row.begin)) + " to " +
                    formatNumber(static_cast<double>(row.end)) + ", " +
                    describeBytes(row.bytes());
  if (row.allocation && row.allocation->kind != Allocation::Kind::Barrier)
    tip += "\n" + describeLayout(row);
  return tip;
}

static StringRef getRowClass(const Row &row) {
  if (!row.allocation)
    return "unused";
  switch (row.allocation->kind) {
  case Allocation::Kind::Ring:
    return row.slot % 2 ? "ring odd" : "ring";
  case Allocation::Kind::Buffer:
    return "buffer";
  case Allocation::Kind::Barrier:
    return "barrier";
  }
  return "";
}

//===----------------------------------------------------------------------===//
// The left side: addresses
//===----------------------------------------------------------------------===//

/// The column to scale, and where each row's bytes are in it.
static void writeScale(Markup &out, ArrayRef<Row> rows, int64_t limit,
                       double height) {
  constexpr int64_t kTick = 32768;
  double perByte = (height - kTop) / static_cast<double>(limit);
  auto place = [&](int64_t address) {
    return kTop + static_cast<double>(address) * perByte;
  };
  // The last tick but one would run into the last.
  for (int64_t address = 0; address <= limit - kTick / 4; address += kTick)
    writeText(out, kScale - 5, place(address) + 4, "tiny end muted",
              formatNumber(static_cast<double>(address)));
  writeText(out, kScale - 5, height + 4, "tiny end muted",
            formatNumber(static_cast<double>(limit)));
  for (const Row &row : rows) {
    // What lies over another is drawn narrower, on top of it.
    bool over = row.allocation && !row.allocation->over.empty();
    double x = over ? kScale + kScaleWidth / 2 : kScale;
    double right = kScale + kScaleWidth, from = place(row.begin),
           to = place(row.end), inset = kNames - 6;
    out.element("rect", {{"class", getRowClass(row)},
                         {"data-tip", describeRow(row)},
                         {"x", x},
                         {"y", from},
                         {"width", right - x},
                         {"height", std::max(0.4, to - from)}});
    std::string points;
    for (auto [px, py] :
         {std::pair(right, from), std::pair(inset, row.y),
          std::pair(inset, row.y + row.height), std::pair(right, to)})
      points += formatCoordinate(px) + "," + formatCoordinate(py) + " ";
    out.element("polygon", {{"class", "leader"}, {"points", points}});
  }
}

static void writeRowName(Markup &out, const Row &row) {
  bool isLarge = row.height > 40;
  double y = isLarge ? row.y + 18 : row.y + row.height / 2 + 4;
  out.element("rect", {{"class", getRowClass(row).str() + " faint"},
                       {"data-tip", describeRow(row)},
                       {"x", kNames - 6},
                       {"y", row.y},
                       {"width", kPlot - kNames + 2},
                       {"height", row.height}});
  bool isTile =
      row.allocation && row.allocation->kind != Allocation::Kind::Barrier;
  constexpr size_t kLongName = 15;
  std::string name = getName(row);
  writeText(out, kNames, y,
            !isTile                   ? "tiny"
            : name.size() > kLongName ? "tiny strong"
                                      : "name strong",
            name);
  writeText(out, kAddresses - 8, y, "tiny end muted",
            formatNumber(static_cast<double>(row.begin)));
  writeText(out, kPlot - 8, y, "tiny end", describeBytes(row.bytes()));
  if (isLarge)
    writeText(out, kNames, y + 16, "tiny muted", describeLayout(row));
}

//===----------------------------------------------------------------------===//
// The right side: lives
//===----------------------------------------------------------------------===//

static std::string formatInterval(double begin, double end) {
  return formatNumber(begin) + " to " + formatNumber(end) + " (" +
         formatNumber(end - begin) + " cycles)";
}

static std::string describeLife(const Row &row, const Life &life) {
  std::string tip = getName(row) + ", use " + std::to_string(life.use) +
                    "\nfilled by " + getOpLabel(life.fill.op) + ": " +
                    formatInterval(life.fill.begin, life.fill.end);
  for (const Access &read : life.reads)
    tip += "\nread by " + getOpLabel(read.op) + ": " +
           formatInterval(read.begin, read.end);
  if (life.released >= 0)
    tip += "\nreleased at " + formatNumber(life.released);
  return tip;
}

static void writeLife(Markup &out, const TimeAxis &axis, const Row &row,
                      const Life &life) {
  std::string tip = describeLife(row, life);
  double lastRead = life.lastRead();
  writeBar(out, axis, life.fill.begin, life.fill.end, row.y, row.height,
           getCategoryName(getCategory(life.fill.op)), "", tip);
  writeBar(out, axis, life.fill.end, lastRead, row.y, row.height, "full",
           "use " + std::to_string(life.use), tip);
  if (life.released > lastRead)
    writeBar(out, axis, lastRead, life.released, row.y, row.height, "dead", "",
             tip);
  double strip = row.height > 40 ? 8 : 5;
  for (const Access &read : life.reads)
    writeBar(out, axis, read.begin, read.end, row.y + row.height - strip, strip,
             getCategoryName(getCategory(read.op)), "",
             "read by " + getOpLabel(read.op) + "\n" +
                 formatInterval(read.begin, read.end));
}

/// Waits for a barrier and arrivals at it.
static void writeBarrierUses(Markup &out, const Report &report,
                             const TimeAxis &axis, const Row &row) {
  for (const sim::TraceEvent &event : report.trace->events) {
    Category category = getCategory(event.op);
    if ((category != Category::Wait && category != Category::Sync) ||
        event.op->getNumOperands() == 0 || event.end <= event.begin ||
        findRoot(event.op->getOperand(0)) != row.allocation->op ||
        StringRef(report.trace->tracks[event.track]).starts_with("cta "))
      continue;
    bool waits = category == Category::Wait;
    writeBar(out, axis, event.begin, event.end, row.y, row.height,
             waits ? "wait" : "sync", "",
             report.trace->tracks[event.track] + ": " + getOpLabel(event.op) +
                 "\n" + formatInterval(event.begin, event.end));
  }
}

static void writeRowPlot(Markup &out, const Report &report,
                         const TimeAxis &axis, const Row &row) {
  out.element("rect", {{"class", row.allocation ? "lane" : "unused"},
                       {"y", row.y},
                       {"width", axis.width},
                       {"height", row.height}});
  if (!row.allocation)
    return;
  if (row.allocation->kind == Allocation::Kind::Barrier)
    return writeBarrierUses(out, report, axis, row);
  std::vector<std::vector<Life>> lives =
      findLives(report.kernel, *report.trace, *row.allocation);
  for (const Life &life : lives[row.slot])
    writeLife(out, axis, row, life);
}

//===----------------------------------------------------------------------===//
// The section
//===----------------------------------------------------------------------===//

static void writeSummary(Markup &out, const Kernel &kernel,
                         ArrayRef<Row> rows) {
  int64_t unused = 0, barriers = 0;
  SmallVector<std::string> aliases;
  for (const Row &row : rows) {
    if (!row.allocation)
      unused += row.bytes();
    else if (row.allocation->kind == Allocation::Kind::Barrier)
      barriers += row.bytes();
  }
  for (const Allocation &allocation : kernel.allocations)
    if (!allocation.over.empty())
      aliases.push_back(allocation.name + " over " + allocation.over);
  int64_t limit = kernel.target->sharedBytesPerCTA;
  std::string text = describeBytes(limit - unused - barriers) + " of tiles, " +
                     describeBytes(barriers) + " of barriers, " +
                     describeBytes(unused) + " unused of " +
                     describeBytes(limit) + ". ";
  text += aliases.empty() ? "No two tiles share bytes."
                          : "Shared bytes: " + llvm::join(aliases, ", ") + ".";
  out.element("p", {}, text);
}

void explain::writeSharedMap(Markup &out, const Report &report) {
  std::vector<Row> rows = listRows(report.kernel);
  writeSummary(out, report.kernel, rows);
  writeLegend(out, {{"copy", "being filled by a copy"},
                    {"shared", "being filled from registers"},
                    {"full", "full, still to be read"},
                    {"product", "being read by a product"},
                    {"dead", "read, not yet released"},
                    {"wait", "a role waits for the barrier"},
                    {"sync", "arrival"}});
  TimeAxis axis = TimeAxis::of(report, kPlot);
  double height = rows.back().y + rows.back().height;
  writePicture(
      out, "time", TimeAxis::kTotalWidth, height + 8, "Shared memory over time",
      [&] {
        writeText(out, kScale + kScaleWidth / 2, 12, "tiny mid muted",
                  "to scale");
        writeText(out, kAddresses - 8, 12, "tiny end muted", "at byte");
        writeText(out, kPlot - 8, 12, "tiny end muted", "bytes");
        writeScale(out, rows, report.kernel.target->sharedBytesPerCTA, height);
        for (const Row &row : rows)
          writeRowName(out, row);
        writePlot(out, axis, height, [&] {
          for (const Row &row : rows)
            writeRowPlot(out, report, axis, row);
        });
      });
}
