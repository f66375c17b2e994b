export {
  DETECTIONS_MAX,
  PROGRESS_RECORDS,
  UNDECIDABLE_LINES_MAX,
  runReplay,
  type ReplayOutcome,
  type ReplayRequest,
} from './replay-run';
export { replayLogOf, type ReplayLog, type ReplayRecord } from './replay-log';
export { manifestText, parseManifest, type RunCounts, type RunManifest } from './run-manifest';
// Proofs of single detections
export { seqRangesOf, type ClaimCoverage, type ClaimFile, type DetectionClaim } from './proof/detection-claim';
export {
  CLAIM_DECLARATIONS,
  PROOF_BYTES_MAX,
  PROOF_RECORDS_MAX,
  planProof,
  type ProofLog,
  type ProofRequest,
} from './proof/plan-proof';
export { type ProofCode, type ProofGrade, type ProofJudgement } from './proof/proof-verdict';
export { verifyProof, type ProofReport, type VerifyProofOptions } from './proof/verify-proof';
