#include <vector>

#include "cuda/simt/profile/lane_trace.h"
#include "tests/catch.h"

namespace rung::simt::profiling {
namespace {

struct Issued {
  std::uint32_t place;
  std::uint32_t mask;
  bool operator==(const Issued&) const = default;
};

constexpr std::uint32_t meeting = 1000000;  // a rendezvous, among what was issued

class Log : public ReplayVisitor {
 public:
  std::vector<Issued> log;
  std::uint64_t steps = 0, lane_steps = 0;
  void access(const WarpAccess& a) override {
    log.push_back({a.place, a.mask});
    for (unsigned lane = 0; lane < lanes_in_warp; ++lane) {
      if ((a.mask >> lane & 1U) != 0) {
        CHECK(a.operand[lane].address() % 1000 == lane);  // each lane's own operand
        CHECK(a.operand[lane].address() / 1000 == a.place);
      }
    }
  }
  void rendezvous(std::uint32_t mask, bool) override { log.push_back({meeting, mask}); }
  void issued(std::uint64_t count, unsigned lanes) override {
    steps += count;
    lane_steps += count * lanes;
  }
};

// Writes one lane's trace as its code would have run.
struct Writer {
  WarpReplay& warp;
  unsigned lane;
  void block(std::uint32_t place) { warp.lanes[lane].tokens.emplace_back(Token::Kind::block, place); }
  void load(std::uint32_t place) {
    warp.lanes[lane].access(place, Operand(AccessType::load, 4, place * 1000 + lane));
  }
  void call(std::uint32_t place) { warp.lanes[lane].tokens.emplace_back(Token::Kind::call, place); }
  void leave(std::uint32_t place) { warp.lanes[lane].tokens.emplace_back(Token::Kind::leave, place); }
  void meet(std::uint32_t mask) {
    warp.lanes[lane].tokens.emplace_back(Token::Kind::rendezvous, 0);
    warp.lanes[lane].operands.emplace_back(AccessType::rendezvous, 1, mask);
  }
};

template <class Program>
Log replay(Program program, unsigned lanes = lanes_in_warp) {
  WarpReplay warp;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    program(Writer{warp, lane});
  }
  Log log;
  warp.replay(log);
  CHECK(warp.empty());
  return log;
}

constexpr std::uint32_t all = 0xffffffffU, even = 0x55555555U, odd = 0xaaaaaaaaU;

}  // namespace

TEST_CASE("replay: lanes that do the same go together, each with its own address") {
  const Log log = replay([](Writer lane) {
    lane.block(10);
    lane.load(11);
    lane.load(12);
  });
  CHECK(log.log == std::vector<Issued>{{11, all}, {12, all}});
  CHECK(log.steps == 3);
  CHECK(log.lane_steps == 96);
}

TEST_CASE("replay: the sides of a branch go one after the other, and all go on together") {
  const Log log = replay([](Writer lane) {
    lane.block(10);
    if (lane.lane % 2 == 0) {
      lane.block(20);
      lane.load(21);
    } else {
      lane.block(30);
      lane.load(31);
    }
    lane.block(40);
    lane.load(41);
  });
  CHECK(log.log == std::vector<Issued>{{21, even}, {31, odd}, {41, all}});
  CHECK(log.lane_steps == 32 * 5);
  CHECK(log.steps == 7);
}

TEST_CASE("replay: lanes that returned early are not waited for") {
  const Log log = replay([](Writer lane) {
    lane.block(10);
    if (lane.lane >= 20) {
      return;
    }
    lane.load(21);
    lane.load(22);
  });
  CHECK(log.log == std::vector<Issued>{{21, 0xfffffU}, {22, 0xfffffU}});
}

TEST_CASE("replay: a nested loop whose inner trips depend on the lane") {
  // for i < 2 { 10: for j <= lane % 2 { load 20 } 30 } load 40
  const Log log = replay([](Writer lane) {
    for (int i = 0; i < 2; ++i) {
      lane.block(10);
      for (unsigned j = 0; j <= lane.lane % 2; ++j) {
        lane.block(19);
        lane.load(20);
      }
      lane.block(30);
    }
    lane.load(40);
  });
  CHECK(log.log == std::vector<Issued>{{20, all}, {20, odd}, {20, all}, {20, odd}, {40, all}});
}

TEST_CASE("replay: break and continue") {
  // for i < 3 { load 20; if (lane 0) break; if (odd) continue (to 50); load 40; 50 } load 60
  const Log log = replay([](Writer lane) {
    for (int i = 0; i < 3; ++i) {
      lane.block(19);
      lane.load(20);
      if (lane.lane == 0) {
        break;
      }
      if (lane.lane % 2 == 0) {
        lane.block(39);
        lane.load(40);
      }
      lane.block(50);
    }
    lane.block(59);
    lane.load(60);
  });
  CHECK(log.log == std::vector<Issued>{{20, all},
                                       {40, even & ~1U},
                                       {20, all & ~1U},
                                       {40, even & ~1U},
                                       {20, all & ~1U},
                                       {40, even & ~1U},
                                       {60, all}});
}

TEST_CASE("replay: calls from two places are two instructions, a call from one place is one") {
  // if (odd) f() at 15; f() at 25. f lies below its callers (5) or above them (95).
  for (const std::uint32_t f : {5U, 95U}) {
    const Log log = replay([f](Writer lane) {
      lane.block(10);
      if (lane.lane % 2 == 1) {
        lane.block(14);
        lane.call(15);
        lane.load(f);
        lane.leave(f + 1);
      }
      lane.block(24);
      lane.call(25);
      lane.load(f);
      lane.leave(f + 1);
      lane.load(30);
    });
    CAPTURE(f);
    CHECK(log.log == std::vector<Issued>{{f, odd}, {f, all}, {30, all}});
  }
}

TEST_CASE("replay: calls that begin before one replay and end after it") {
  WarpReplay warp;
  for (unsigned l = 0; l < lanes_in_warp; ++l) {
    Writer lane{warp, l};
    lane.call(10 + l % 2);  // from two places
    lane.load(50);
  }
  Log log;
  warp.replay(log);
  CHECK(log.log == std::vector<Issued>{{50, even}, {50, odd}});
  for (unsigned l = 0; l < lanes_in_warp; ++l) {
    Writer lane{warp, l};
    lane.load(51);
    lane.leave(52);
    lane.load(20);
  }
  log.log.clear();
  warp.replay(log);
  CHECK(log.log == std::vector<Issued>{{51, even}, {51, odd}, {20, all}});
}

TEST_CASE("replay: halves of a warp that meet in their own branches") {
  const Log log = replay([](Writer lane) {
    lane.block(10);
    if (lane.lane < 16) {
      lane.load(20);
      lane.meet(0x0000ffffU);
      lane.load(21);
    } else {
      lane.load(30);
      lane.meet(0xffff0000U);
      lane.load(31);
    }
    lane.meet(all);
    lane.load(40);
  });
  CHECK(log.log == std::vector<Issued>{{20, 0xffffU},
                                       {meeting, 0xffffU},
                                       {21, 0xffffU},
                                       {30, 0xffff0000U},
                                       {meeting, 0xffff0000U},
                                       {31, 0xffff0000U},
                                       {meeting, all},
                                       {40, all}});
}

TEST_CASE("replay: a long loop with a collective in each trip") {
  const Log log = replay([](Writer lane) {
    for (int i = 0; i < 5000; ++i) {
      lane.block(10);
      lane.load(11);
      lane.meet(all);
    }
  });
  CHECK(log.log.size() == 10000);
  CHECK(log.steps == 10000);
}

}  // namespace rung::simt::profiling
