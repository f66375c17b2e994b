import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  ERROR_CODES,
  ProtegoError,
  commandSubject,
  isProtegoError,
  messageOf,
  type ErrorCode,
} from '@protego/contracts';
import { siteOfOrigin } from '@protego/event-log';
import { busUrlOf, connectTo } from '../bus-connection';
import type { LogOptions } from './open-log';

/** Options of commands that the engine carries out while it holds the log. */
export interface EngineOptions extends LogOptions {
  readonly engine?: string;
}

/** Text of the `--engine` option. */
export const ENGINE_OPTION_HELP =
  'NATS URL of the operator, or the file that holds it: for when the engine holds the log (default: `nats/operator.url` beside the log)';

const TIMEOUT_MS = 600_000;

/**
 * Does something with the log in this process, or, when the engine holds it, has the engine do it.
 *
 * @throws ProtegoError `LOG_LOCKED` when another process holds the log and no engine can be asked
 */
export async function hereOrInEngine<T>(
  options: EngineOptions,
  here: () => Promise<T>,
  inEngine: (engine: EngineClient) => Promise<T>,
): Promise<T> {
  try {
    return await here();
  } catch (error) {
    if (!isProtegoError(error) || error.code !== 'LOG_LOCKED') throw error;
    const engine = engineOf(options);
    if (engine === undefined) throw error;
    return inEngine(engine);
  }
}

/** The engine of a log: as `--engine` names it, or as `protego up` left its address; undefined without either. */
export function engineOf(options: EngineOptions): EngineClient | undefined {
  const url = engineUrlOf(options);
  return url && new EngineClient(url);
}

/** Asks an engine for what only it may do. */
export class EngineClient {
  constructor(private readonly url: URL) {}

  /**
   * Sends one command and waits for its result.
   *
   * @throws ProtegoError what the engine answers with; `NATS_UNAVAILABLE`
   */
  async ask<T>(origin: string, command: string, input: object): Promise<T> {
    const connection = await connectTo(this.url);
    try {
      const subject = commandSubject(siteOfOrigin(origin), command);
      const reply = await connection.request(subject, JSON.stringify(input), { timeout: TIMEOUT_MS });
      const answer = reply.json<T & { readonly code?: unknown; readonly message?: unknown }>();
      if (reply.headers?.get('Nats-Service-Error-Code')) throw refusalOf(answer);
      return answer;
    } catch (cause) {
      if (isProtegoError(cause)) throw cause;
      throw new ProtegoError('NATS_UNAVAILABLE', `the engine did not answer: ${messageOf(cause)}`, {}, { cause });
    } finally {
      await connection.close();
    }
  }
}

function refusalOf({ code, message }: { readonly code?: unknown; readonly message?: unknown }): ProtegoError {
  const known = typeof code === 'string' && code in ERROR_CODES ? (code as ErrorCode) : 'INTERNAL';
  return new ProtegoError(known, typeof message === 'string' ? message : 'the engine refused the command');
}

function engineUrlOf({ engine, log }: EngineOptions): URL | undefined {
  const beside = join(dirname(log), 'nats', 'operator.url');
  const named = engine ?? (existsSync(beside) ? beside : undefined);
  return named === undefined ? undefined : busUrlOf(named);
}
