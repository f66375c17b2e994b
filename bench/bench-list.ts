import type { BenchCase } from './bench-case';
import { APPEND_BATCH } from './log/append-batch';
import { APPEND_SINGLE } from './log/append-single';
import { BYTES_PER_EVENT, READ, VERIFY } from './log/stored-log';
import { SLIDING_COUNT } from './operators/sliding-count';
import { PIPELINE_HOSPITAL_PACK } from './pipeline/hospital-pack';
import { REPLAY_HOSPITAL_PACK } from './pipeline/hospital-replay';
import { ALL_RULES, PROCESS_CREATION } from './sigma/matching';

/** Every case, in the order in which they run. */
export const BENCH_CASES: readonly BenchCase[] = [
  APPEND_BATCH,
  APPEND_SINGLE,
  READ,
  VERIFY,
  BYTES_PER_EVENT,
  ALL_RULES,
  PROCESS_CREATION,
  SLIDING_COUNT,
  PIPELINE_HOSPITAL_PACK,
  REPLAY_HOSPITAL_PACK,
];
