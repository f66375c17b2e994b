import type { BenchCase } from './bench-case';
import { MISS, MISS_DIRTY, MISS_RATIO } from './enclave/page-miss';
import { SEQUENTIAL_READ, SEQUENTIAL_READ_HIT, SEQUENTIAL_WRITE } from './enclave/sequential';
import { HIT_READS, RANDOM_READ, RANDOM_READ_HIT, RANDOM_WRITE, RANDOM_WRITE_HIT } from './enclave/small-accesses';
import { APPEND_BATCH, APPEND_BATCH_SYNCED } from './log/append-batch';
import { APPEND_SEALED, APPEND_SEALED_FIRST } from './log/append-sealed';
import { APPEND_SINGLE } from './log/append-single';
import { QUERY } from './log/query';
import { READ } from './log/read';
import { READ_LAZY } from './log/read-lazy';
import { START_UP } from './log/start-up';
import { BYTES_PER_EVENT, VERIFY } from './log/stored-log';
import { APPEND_TEN_TIMES, MEMORY_TEN_TIMES, VERIFY_TEN_TIMES } from './log/ten-times';
import { SLIDING_COUNT } from './operators/sliding-count';
import { PIPELINE_HOSPITAL_PACK } from './pipeline/hospital-pack';
import { REPLAY_HOSPITAL_PACK } from './replay/hospital-replay';
import { REPLAY_LONG, REPLAY_MEMORY_TEN_TIMES } from './replay/long-replay';
import { SIMULATION_GENERATE } from './simulation/generate';
import { ALL_RULES, FROM_BYTES, PROCESS_CREATION, SCRIPT_BLOCK, TEN_PERCENT } from './sigma/matching';

/** Every case, in the order in which they run. */
export const BENCH_CASES: readonly BenchCase[] = [
  APPEND_BATCH,
  APPEND_BATCH_SYNCED,
  APPEND_SINGLE,
  APPEND_SEALED,
  APPEND_SEALED_FIRST,
  READ,
  READ_LAZY,
  QUERY,
  VERIFY,
  BYTES_PER_EVENT,
  APPEND_TEN_TIMES,
  MEMORY_TEN_TIMES,
  VERIFY_TEN_TIMES,
  START_UP,
  ALL_RULES,
  FROM_BYTES,
  PROCESS_CREATION,
  SCRIPT_BLOCK,
  TEN_PERCENT,
  SLIDING_COUNT,
  PIPELINE_HOSPITAL_PACK,
  REPLAY_HOSPITAL_PACK,
  REPLAY_LONG,
  REPLAY_MEMORY_TEN_TIMES,
  SIMULATION_GENERATE,
  MISS_RATIO,
  MISS,
  MISS_DIRTY,
  HIT_READS,
  RANDOM_READ_HIT,
  RANDOM_WRITE_HIT,
  RANDOM_READ,
  RANDOM_WRITE,
  SEQUENTIAL_READ,
  SEQUENTIAL_READ_HIT,
  SEQUENTIAL_WRITE,
];
