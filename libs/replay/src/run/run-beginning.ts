import { ProtegoError, canonicalJson } from '@protego/contracts';
import { mayBeginAt, rangeTold } from './emit-range';
import type { Finding } from './finding';
import { checkPiece, type KeptPiece } from './kept-piece';
import type { ReplayRequest } from './replay-request';
import type { ReplayPorts } from './run-ports';
import { runStateFromBytes, type RunState } from './run-state';

/** Where a run begins. */
export interface RunBeginning {
  /** Undefined at the beginning of the log. */
  readonly state: RunState | undefined;
  /** Pieces of what was found before. */
  readonly pieces: readonly KeptPiece[];
  /** What was found before and is in no piece. */
  readonly found: readonly Finding[];
}

/**
 * What a run is about, as canonical JSON: a run goes on only from what was written down of the same.
 *
 * @param erasuresAt - size of the log after its last erasure
 */
export function identityOf(request: ReplayRequest, erasuresAt: number): string {
  const { log, artefactHashes, engine, mutes = 'honoured', knowledge } = request;
  return canonicalJson({
    log: { origin: log.origin, root: log.rootHash, size: log.size, firstSeq: log.firstSeq },
    range: rangeTold(request),
    artefacts: artefactHashes,
    engine,
    mutes,
    knowledge: knowledge === undefined ? 'then' : 'now',
    erasuresAt,
  });
}

/**
 * Where a run begins: where an interrupted one came to, else at the latest snapshot that it may begin at, else at the first
 * record.
 *
 * @throws ProtegoError `REPLAY_STATE_FOREIGN` when what was written down is of another run; `REPLAY_STATE_INVALID`, also when a
 *   piece of what was found is not as it was written
 */
export function beginningOf(request: ReplayRequest, ports: ReplayPorts, erasuresAt: number): RunBeginning {
  const written = ports.progress?.store.load();
  if (written === undefined) return fromSnapshot(request, ports);
  const { state, beside } = runStateFromBytes(written);
  const { run, pieces } = beside as WrittenBeside;
  if (run !== identityOf(request, erasuresAt)) {
    const message = 'what was written down is of a run over another log or range, or with other artefacts: begin anew';
    throw new ProtegoError('REPLAY_STATE_FOREIGN', message);
  }
  for (const piece of pieces) checkPiece(ports.pieces, piece);
  return { state, pieces, found: [] };
}

/** What stands beside the state of a run where it is written down. */
interface WrittenBeside {
  readonly run: string;
  readonly pieces: readonly KeptPiece[];
}

/** The log that a run read, as it stood when the run began. */
export interface LogOfRun {
  readonly origin: string;
  /** RFC 6962 root (hex). */
  readonly root: string;
  readonly size: number;
  readonly firstSeq: number;
}

/**
 * The log of the run that wrote down how far it came.
 *
 * @param written - what it gave to its `ProgressStore`
 * @throws ProtegoError `REPLAY_STATE_INVALID`
 */
export function logOfProgress(written: Uint8Array): LogOfRun {
  const { run } = runStateFromBytes(written).beside as WrittenBeside;
  return (JSON.parse(run) as { readonly log: LogOfRun }).log;
}

function fromSnapshot(request: ReplayRequest, { snapshots }: ReplayPorts): RunBeginning {
  const { log } = request;
  const usable = (snapshots?.store.list() ?? [])
    .filter((stored) => stored.seq >= log.firstSeq && stored.seq <= log.size && mayBeginAt(stored, request))
    .sort((a, b) => b.seq - a.seq);
  for (const stored of usable) {
    const bytes = snapshots?.store.load(stored);
    if (bytes === undefined) continue;
    const { state } = runStateFromBytes(bytes);
    if (state.seq === stored.seq) return { state, pieces: [], found: state.tail.findings };
  }
  return { state: undefined, pieces: [], found: [] };
}
