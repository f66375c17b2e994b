// What checks a proof of a detection with Node alone: no part of it touches a log.
export { type ClaimCoverage, type ClaimFile, type DetectionClaim } from '../proof/detection-claim';
export { type ProofCode, type ProofGrade, type ProofJudgement } from '../proof/proof-verdict';
export { verifyProof, type ProofReport, type VerifyProofOptions } from '../proof/verify-proof';
