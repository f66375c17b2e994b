import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { ProtegoError, type Clock } from '@protego/contracts';
import type { Enclave } from '@protego/enclave';
import {
  DirectoryTarget,
  appendAssessment,
  backupLog,
  eraseSubject,
  expireSegments,
  exportBundle,
  muteDetections,
  openDirectoryTarget,
  revealRecords,
  rotateDataKey,
  unmuteDetections,
  type LogAuthority,
  type MuteParts,
  type RevealedRecord,
  type WritableLog,
} from '@protego/event-log';
import { PROOF_RECORDS_MAX, checkClaim, proofLogOf } from '@protego/replay';
import { ArtefactCommands } from '../artefacts/artefact-commands.service';
import { ENCLAVE, ENGINE_CLOCK, ENGINE_LOG } from '../engine.constants';
import { DeadLetters } from '../ingest/dead-letters.service';
import { PipelineClock } from '../ingest/pipeline-clock';
import { PipelineRunner } from '../pipeline/pipeline-runner.service';
import { REVEALED_RECORDS_MAX, type CommandInputs, type CommandName } from './command-inputs';
import { engineAuthority } from './engine-authority';

/** Most bytes of records that one answer shows in clear; a message of the bus holds twice as much. */
const REVEALED_BYTES_MAX = 524_288;
/** Where bundles wait for who asked for them, within the directory of the log. */
const EXPORTS_FOLDER = 'exports';

/** What each command does, and answers with as JSON. */
type Commands = { readonly [Name in CommandName]: (input: CommandInputs[Name]) => Promise<object> };

/** What an operator may ask of the log and of detections while the engine holds them. */
@Injectable()
export class LogCommands {
  readonly #authority: LogAuthority;
  readonly #commands: Commands = {
    checkpoint: async () => ({ checkpoint: await this.#authority.checkpoint() }),
    erase: (input) => this.#erase(input),
    expire: (input) => this.#expire(input),
    export: (input) => this.#export(input),
    backup: (input) => this.#backup(input),
    reveal: (input) => this.#reveal(input),
    'detection-mute': (input) => muteDetections('mute', input, this.#muteParts()),
    'detection-acknowledge': (input) => muteDetections('acknowledge', input, this.#muteParts()),
    'detection-unmute': (input) => unmuteDetections(input, this.#muteParts()),
    'artefact-activate': (input) => this.artefacts.activate(input),
    'artefact-retire': (input) => this.artefacts.retire(input),
    'enclave-attest': async ({ nonce }) => ({ quote: await this.enclave.quote(Buffer.from(nonce, 'hex')) }),
    'enclave-inspect': () => this.enclave.inspect(),
    'change-assessed': (input) => appendAssessment(input, this.#authority),
    'rotate-data-key': () => rotateDataKey({ house: this.log.house, authority: this.#authority }),
  };

  constructor(
    @Inject(ENGINE_LOG) private readonly log: WritableLog,
    @Inject(ENCLAVE) private readonly enclave: Enclave,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    private readonly letters: DeadLetters,
    private readonly pipelineClock: PipelineClock,
    private readonly artefacts: ArtefactCommands,
    pipeline: PipelineRunner,
  ) {
    this.#authority = engineAuthority(log, pipeline);
  }

  /**
   * Carries a command out; resolves with what it answers.
   *
   * @throws ProtegoError as the functions of the log do, such as `PERSON_UNKNOWN`, `LOG_RANGE_MISSING`, `USAGE_INVALID`
   */
  run<Name extends CommandName>(name: Name, input: CommandInputs[Name]): Promise<object> {
    return this.#commands[name](input);
  }

  async #erase({ subject, reason, searchTexts }: CommandInputs['erase']): Promise<object> {
    const receipt = await eraseSubject({
      ...this.#parts(),
      subject,
      reason,
      findCopies: (search) => this.letters.naming(search),
      openTarget: openDirectoryTarget,
      ...(searchTexts === undefined ? {} : { searchesTexts: searchTexts }),
    });
    return { receipt: receipt.text };
  }

  async #expire({ olderThanMs, reason }: CommandInputs['expire']): Promise<object> {
    const expired = await expireSegments({ ...this.#parts(), olderThanMs, reason });
    return { expired: expired ?? null };
  }

  async #export(input: CommandInputs['export']): Promise<object> {
    const directory = join(this.log.directory, EXPORTS_FOLDER);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, `${randomUUID()}.bundle`);
    const parts = this.#parts();
    if (input.claim !== undefined) {
      const log = proofLogOf(parts.reader, parts.vault);
      await checkClaim({ claim: input.claim, selection: input.selection, log, recordsMax: PROOF_RECORDS_MAX + 10_000 });
    }
    return exportBundle({ ...parts, ...input, file });
  }

  async #backup({ directory, keepCount }: CommandInputs['backup']): Promise<object> {
    // A backup reaches to the latest checkpoint.
    await this.#authority.checkpoint();
    const target = new DirectoryTarget(directory);
    return backupLog({ ...this.#parts(), target, ...(keepCount === undefined ? {} : { keepCount }) });
  }

  async #reveal({ selection, reason, recordsMax = REVEALED_RECORDS_MAX }: CommandInputs['reveal']): Promise<object> {
    const { reader, house } = this.log;
    const parts = { reader, vault: house.vault, authority: this.#authority };
    const revelation = await revealRecords({
      ...parts,
      selection,
      reason,
      recordsMax,
      bytesMax: REVEALED_BYTES_MAX,
    });
    if (revelation === undefined) throw new ProtegoError('LOG_RANGE_MISSING', 'no record is meant by the selection');
    const { eventSeq, records } = revelation;
    return { eventSeq, records: records.map(lineOf) };
  }

  #muteParts(): MuteParts {
    const { reader, house } = this.log;
    const { skewMaxMs } = this.pipelineClock;
    const now = (): number => {
      const nowMs = this.pipelineClock.arrive(undefined);
      if (nowMs > 0) return nowMs;
      throw new ProtegoError('REQUEST_INVALID', 'no feed has told this site what time it is yet');
    };
    return { reader, vault: house.vault, authority: this.#authority, now, skewMaxMs };
  }

  #parts(): Pick<Parameters<typeof eraseSubject>[0], 'directory' | 'keysDirectory' | 'reader' | 'clock'> & {
    keys: WritableLog['house']['keys'];
    vault: WritableLog['house']['vault'];
    authority: LogAuthority;
  } {
    const { directory, keysDirectory, reader, house } = this.log;
    const { keys, vault } = house;
    return { directory, keysDirectory, reader, keys, vault, clock: this.clock, authority: this.#authority };
  }
}

function lineOf({ record, event, erased }: RevealedRecord): object {
  return { seq: record.seq, event, ...(erased.length === 0 ? {} : { erased }) };
}
