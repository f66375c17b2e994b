import { Inject, Injectable, Logger } from '@nestjs/common';
import { ProtegoError, commandSubject, isProtegoError, messageOf, type ProtegoConfig } from '@protego/contracts';
import type { NatsConnection, Service, ServiceMsg } from 'nats';
import { ENGINE_CONFIG } from '../engine.constants';
import { COMMAND_NAMES, parseCommandInput, type CommandName } from './command-inputs';
import { hasSettled } from '../has-settled';
import { LogCommands } from './log-commands.service';

const SERVICE_NAME = 'protego-engine';
const SERVICE_VERSION = '1.0.0';
/** Commands that wait while another one is carried out. */
const COMMANDS_WAITING_MAX = 8;
/** What may take as long as the log is: others need not wait for it, and it keeps itself from being done twice at a time. */
const LONG_COMMANDS: ReadonlySet<CommandName> = new Set(['artefact-activate']);
const INPUT_BYTES_MAX = 65_536;
const STATUS_OF = { caller: 400, environment: 503, internal: 500 } as const;

/**
 * Commands on NATS, as a micro service (NATS ADR-32): `protego.v1.<site>.cmd.<name>` answers with the result as JSON, or
 * with an error whose body is `{code, message, details}`. One command is carried out at a time. Who may ask is decided by the
 * permissions of the bus.
 */
@Injectable()
export class CommandService {
  readonly #log = new Logger('command');
  #service: Service | undefined;
  #last: Promise<unknown> = Promise.resolve();
  readonly #beside = new Set<Promise<unknown>>();
  #waiting = 0;
  #isStopped = false;

  constructor(
    @Inject(ENGINE_CONFIG) private readonly config: ProtegoConfig,
    private readonly commands: LogCommands,
  ) {}

  /** Begins to take commands. */
  async start(connection: NatsConnection): Promise<void> {
    this.#service = await connection.services.add({
      name: SERVICE_NAME,
      version: SERVICE_VERSION,
      description: 'Commands on the event log of a site, for its operators.',
    });
    for (const name of COMMAND_NAMES) {
      const subject = commandSubject(this.config.site, name);
      this.#service.addEndpoint(name, { subject, handler: (error, message) => void this.#take(name, error, message) });
    }
  }

  /** Takes no more commands, and waits for the one that is being carried out. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#last;
    await Promise.allSettled(this.#beside);
    await this.#service?.stop();
  }

  async #take(name: CommandName, error: Error | null, message: ServiceMsg): Promise<void> {
    if (error !== null) return this.#log.warn(`commands interrupted: ${error.message}`);
    try {
      if (this.#waiting >= COMMANDS_WAITING_MAX) throw new ProtegoError('INTAKE_BUSY', 'other commands are waiting');
      if (message.data.length > INPUT_BYTES_MAX)
        throw new ProtegoError('REQUEST_INVALID', `the input has more than ${INPUT_BYTES_MAX} bytes`);
      const input = parseCommandInput(name, message.data);
      const result = await (LONG_COMMANDS.has(name) ? this.#besideOthers : this.#inTurn).call(this, () =>
        this.commands.run(name, input),
      );
      message.respond(JSON.stringify(result));
    } catch (failure) {
      this.#refuse(name, message, failure);
    }
  }

  async #inTurn(run: () => Promise<object>): Promise<object> {
    this.#waiting++;
    const before = this.#last;
    const result = before.then(() => {
      if (this.#isStopped) throw new ProtegoError('INTAKE_STOPPED', 'the engine is stopping');
      return run();
    });
    this.#last = hasSettled(result);
    return result.finally(() => this.#waiting--);
  }

  async #besideOthers(run: () => Promise<object>): Promise<object> {
    if (this.#isStopped) throw new ProtegoError('INTAKE_STOPPED', 'the engine is stopping');
    const result = run();
    this.#beside.add(result);
    return result.finally(() => this.#beside.delete(result));
  }

  #refuse(name: CommandName, message: ServiceMsg, failure: unknown): void {
    // Not the message: it may name the person who was asked about.
    const code = isProtegoError(failure) ? failure.code : 'INTERNAL';
    this.#log.warn(`\`${name}\` was refused: ${isProtegoError(failure) ? code : messageOf(failure)}`);
    const error = isProtegoError(failure) ? failure : new ProtegoError('INTERNAL', 'the command failed');
    const status = error.code === 'INTAKE_BUSY' ? 429 : STATUS_OF[error.origin];
    message.respondError(status, error.code, Buffer.from(JSON.stringify(error.toJSON())));
  }
}
