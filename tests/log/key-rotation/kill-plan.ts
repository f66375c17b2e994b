import type { SeededRandom } from '@protego/event-log/testing';

/** Which processes are killed. */
export type KillTarget = 'group' | 'keeper' | 'replica';

/** A call to the disk on which the keeper of the vault dies, or its whole process group. */
export interface DiskStep {
  /** `house`: all of the key directory but the vault; `all`: the vault too. */
  readonly files: 'house' | 'all';
  /** Number of the call, from 1 at the start of the keeper. */
  readonly step: number;
  /** `amid`: half of the bytes are written; a call that writes none is over. */
  readonly side: 'before' | 'amid' | 'after';
  /** How long the call stands still there, milliseconds, while all else goes on. */
  readonly holdMs: number;
}

/** When and how a writer is killed. */
export interface KillPlan {
  readonly target: KillTarget;
  /** Lines of the writer to wait for, then milliseconds; undefined with a step. */
  readonly moment?: { readonly lines: number; readonly delayMs: number };
  readonly step?: DiskStep;
}

/** Draws a plan. */
export function killPlanOf(random: SeededRandom): KillPlan {
  if (random.chance(0.5)) {
    const target = random.pick<KillTarget>(['group', 'group', 'keeper', 'replica']);
    return { target, moment: { lines: random.integer(1, 60), delayMs: random.below(15) } };
  }
  const files = random.pick<DiskStep['files']>(['house', 'house', 'all']);
  const side = random.pick<DiskStep['side']>(['before', 'amid', 'after']);
  const step = { files, side, step: random.integer(1, random.pick([12, 60])), holdMs: random.below(25) };
  return { target: random.pick<KillTarget>(['group', 'keeper']), step };
}
