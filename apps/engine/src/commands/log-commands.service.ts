import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { ProtegoError, type Clock, type ProtegoEvent } from '@protego/contracts';
import {
  DirectoryTarget,
  backupLog,
  eraseSubject,
  expireSegments,
  exportBundle,
  selectRecords,
  type LogAuthority,
  type LogRecord,
  type TargetOpener,
} from '@protego/event-log';
import { ENGINE_CLOCK, ENGINE_LOG } from '../engine.constants';
import { DeadLetters } from '../ingest/dead-letters.service';
import type { EngineLog } from '../log/engine-log';
import { PipelineRunner } from '../pipeline/pipeline-runner.service';
import { REVEALED_RECORDS_MAX, type CommandInputs, type CommandName } from './command-inputs';
import { engineAuthority } from './engine-authority';

/** Most bytes of records that one answer shows in clear; a message of the bus holds twice as much. */
const REVEALED_BYTES_MAX = 524_288;
const DIRECTORY_LOCATION = 'directory:';
/** Where bundles wait for who asked for them, within the directory of the log. */
const EXPORTS_FOLDER = 'exports';

/** What each command does, and answers with as JSON. */
type Commands = { readonly [Name in CommandName]: (input: CommandInputs[Name]) => Promise<object> };

/** What an operator may ask of the log while the engine holds it. */
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
  };

  constructor(
    @Inject(ENGINE_LOG) private readonly log: EngineLog,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    private readonly letters: DeadLetters,
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
      openTarget: openDirectory,
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
    return exportBundle({ ...this.#parts(), ...input, file });
  }

  async #backup({ directory, keepCount }: CommandInputs['backup']): Promise<object> {
    // A backup reaches to the latest checkpoint.
    await this.#authority.checkpoint();
    const target = new DirectoryTarget(directory);
    return backupLog({ ...this.#parts(), target, ...(keepCount === undefined ? {} : { keepCount }) });
  }

  async #reveal({ selection, reason, recordsMax = REVEALED_RECORDS_MAX }: CommandInputs['reveal']): Promise<object> {
    const { reader, house } = this.log;
    const records = revealable(selectRecords(reader, house.vault, selection), recordsMax);
    const [first] = records;
    const last = records.at(-1);
    if (first === undefined || last === undefined)
      throw new ProtegoError('LOG_RANGE_MISSING', 'no record is meant by the selection');
    const data = { fromSeq: first.seq, toSeq: last.seq + 1, records: records.length, reason };
    // Who asked what, and why, stands in the log before anything is shown.
    const eventSeq = await this.#authority.append('log.revealed', `revealed-${randomUUID()}`, data);
    return { eventSeq, records: records.map((record) => this.#opened(record)) };
  }

  #opened({ seq, body, sealed }: LogRecord): object {
    const stored = JSON.parse(body.toString('utf8')) as ProtegoEvent;
    if (sealed.length === 0) return { seq, event: stored };
    const { event, erased } = this.log.house.vault.reveal(stored, sealed);
    return { seq, event, ...(erased.length === 0 ? {} : { erased }) };
  }

  #parts(): Pick<Parameters<typeof eraseSubject>[0], 'directory' | 'keysDirectory' | 'reader' | 'clock'> & {
    keys: EngineLog['house']['keys'];
    vault: EngineLog['house']['vault'];
    authority: LogAuthority;
  } {
    const { directory, keysDirectory, reader, house } = this.log;
    const { keys, vault } = house;
    return { directory, keysDirectory, reader, keys, vault, clock: this.clock, authority: this.#authority };
  }
}

const openDirectory: TargetOpener = (location) => {
  if (location.startsWith(DIRECTORY_LOCATION))
    return Promise.resolve(new DirectoryTarget(location.slice(DIRECTORY_LOCATION.length)));
  return Promise.reject(new ProtegoError('USAGE_INVALID', `the engine cannot reach \`${location}\``));
};

function revealable(records: Iterable<LogRecord>, recordsMax: number): LogRecord[] {
  const taken: LogRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    bytes += record.body.length + record.sealed.length;
    if (taken.length >= recordsMax || (taken.length > 0 && bytes > REVEALED_BYTES_MAX)) break;
    taken.push(record);
  }
  return taken;
}
