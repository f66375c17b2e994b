/** How far a proof reaches. `PARTIAL`: what it holds is true, and does not prove the whole detection. */
export type ProofGrade = 'VALID' | 'PARTIAL' | 'INVALID';

/** Why a proof is not `VALID`, for programs. */
export type ProofCode =
  /** The rule, run again, makes exactly the detection. */
  | 'reproduced'
  /** The file is no proof, or is cut short. */
  | 'file-damaged'
  /** A record is not the one whose hash the proof lists. */
  | 'event-altered'
  /** An event that the detection rests on is not in the proof. */
  | 'event-missing'
  /** A record of the range is not in the proof. */
  | 'range-broken'
  /** The records are not those of the signed tree. */
  | 'not-in-log'
  /** The file, or its checkpoint, is not signed with the key of the log. */
  | 'signature-wrong'
  /** The proof contradicts itself, or what the log recorded. */
  | 'claim-altered'
  /** A rule or declaration is not the one that the detection names. */
  | 'rule-altered'
  /** The rule finds something else in these records. */
  | 'result-differs'
  /** The proof belongs to another log than the one that was asked for. */
  | 'log-differs'
  /** Personal fields decide, and their keys are not at hand. */
  | 'keys-missing'
  /** The rule was run again, but what it knew from before the range is not proven. */
  | 'history-before-range'
  /** Only the events and the record of the detection are proven. */
  | 'not-rerun'
  /** The rule was run again, but another file of its set may change what it finds. */
  | 'set-unproven'
  /** The detector is not part of this verifier. */
  | 'engine-differs'
  /** That the log grew from the checkpoint that was kept is not proven. */
  | 'growth-unproven';

/** What a verifier says of a proof. */
export interface ProofJudgement {
  readonly verdict: ProofGrade;
  readonly code: ProofCode;
  /** In plain words, a sentence without its full stop. */
  readonly reason: string;
  /** Record that the reason is about. */
  readonly seq?: number;
  /** What was left aside, in plain words. */
  readonly notes: readonly string[];
  /**
   * Members of the detection that the verdict says nothing about: `timing` where what decides whether an event is late is not in the
   * proof.
   */
  readonly leftOut: readonly string[];
  /** Records on which the rule was run again; 0 where it was not. */
  readonly recordsRun: number;
}

/** A verdict without notes. */
export function judged(
  verdict: ProofGrade,
  code: ProofCode,
  reason: string,
  more: Partial<Pick<ProofJudgement, 'seq' | 'notes' | 'leftOut' | 'recordsRun'>> = {},
): ProofJudgement {
  return { verdict, code, reason, notes: [], leftOut: [], recordsRun: 0, ...more };
}
