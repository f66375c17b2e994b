import { Controller, Headers, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { ProtegoError, inputSubject, isProtegoError, type ErrorCode, type ProtegoConfig } from '@protego/contracts';
import { ENGINE_CONFIG } from '../engine.constants';
import { DeadLetters } from './dead-letters.service';
import type { RawEvent } from '@protego/enclave';
import { IntakeService, type IntakeOutcome } from './intake.service';
import { outcomeToJson } from './input.controller';
import { TokenGuard } from './token-guard';

const RETRY_AFTER_SECONDS = 1;
const SINGLE_TYPES = ['application/json', 'application/cloudevents+json'];
const LINES_TYPE = 'application/x-ndjson';
const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  TOKEN_INVALID: 401,
  REQUEST_INVALID: 415,
  EVENT_TOO_LARGE: 413,
  REQUEST_TOO_LARGE: 413,
  EVENT_ID_CONFLICT: 409,
  EVENT_SOURCE_FORGED: 403,
  EVENT_FAMILY_NOT_ALLOWED: 403,
  EVENT_TYPE_NOT_ACCEPTED: 403,
  INTAKE_BUSY: 429,
  INTAKE_STOPPED: 503,
  VAULT_FULL: 503,
  NATS_UNAVAILABLE: 503,
};
/** Requests with conflicts that are kept at one time. */
const CONFLICTS_IN_FLIGHT_MAX = 32;

/** `POST /v1/events`: one event as JSON, or many as NDJSON; answers when they are durable. */
@Controller('v1/events')
export class EventsController {
  constructor(
    @Inject(ENGINE_CONFIG) private readonly config: ProtegoConfig,
    private readonly intake: IntakeService,
    private readonly tokens: TokenGuard,
    private readonly deadLetters: DeadLetters,
  ) {}

  /** A single event answers with its outcome and status; lines answer 200 with one outcome a line. */
  @Post()
  @HttpCode(200)
  async post(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('authorization') authorization: string | undefined,
    @Headers('content-type') contentType: string | undefined,
  ): Promise<unknown> {
    const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
    try {
      const source = this.tokens.sourceOf(authorization);
      const mediaType = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
      if (SINGLE_TYPES.includes(mediaType)) return await this.#single(body, source, reply);
      if (mediaType === LINES_TYPE) return await this.#lines(body, source);
      throw new ProtegoError('REQUEST_INVALID', `content type \`${mediaType.slice(0, 64)}\` is not accepted`);
    } catch (error) {
      return refuse(reply, error);
    } finally {
      // What patients' fields were in it is in the enclave now.
      body.fill(0);
    }
  }

  async #single(bytes: Buffer, source: string, reply: FastifyReply): Promise<unknown> {
    const [outcome] = await this.#accept([{ bytes, source, family: undefined }], bytes.length);
    if (outcome === undefined) throw new ProtegoError('INTERNAL', 'an input was left without outcome');
    return outcome.kind === 'rejected' ? refuse(reply, outcome.error) : outcomeToJson(outcome);
  }

  async #lines(body: Buffer, source: string): Promise<unknown> {
    const linesMax = this.config.intake.queueEventsMax;
    const lines = linesOf(body, linesMax);
    if (lines.length > linesMax) {
      throw new ProtegoError('REQUEST_TOO_LARGE', `one request may carry at most ${linesMax} lines`, { linesMax });
    }
    const inputs: RawEvent[] = lines.map((bytes) => ({ bytes, source, family: undefined }));
    const outcomes = await this.#accept(inputs, body.length);
    return { results: outcomes.map(outcomeToJson) };
  }

  async #accept(inputs: readonly RawEvent[], bytes: number): Promise<IntakeOutcome[]> {
    if (this.intake.isBusy(inputs.length, bytes))
      throw new ProtegoError('INTAKE_BUSY', 'more events wait than the queue holds');
    const outcomes = await this.intake.accept(inputs);
    const conflicts = outcomes.flatMap((outcome, index) => (isConflict(outcome) ? [index] : []));
    for (let at = 0; at < conflicts.length; at += CONFLICTS_IN_FLIGHT_MAX) {
      const some = conflicts.slice(at, at + CONFLICTS_IN_FLIGHT_MAX);
      await Promise.all(some.map((index) => this.#keepConflict(index, inputs, outcomes)));
    }
    return outcomes;
  }

  // Two accounts of one event are evidence whichever way they came; the sender tries again when the second cannot be kept.
  async #keepConflict(index: number, inputs: readonly RawEvent[], outcomes: IntakeOutcome[]): Promise<void> {
    const { bytes, source } = inputs[index] as RawEvent;
    const { error } = outcomes[index] as Extract<IntakeOutcome, { kind: 'rejected' }>;
    const id = `http-${createHash('sha256').update(source).update('\0').update(bytes).digest('hex')}`;
    const subject = inputSubject(this.config.site, 'http', source);
    if (await this.deadLetters.keep({ subject, id, bytes, error })) return;
    const failure = new ProtegoError('NATS_UNAVAILABLE', 'an event that conflicts with a known one cannot be kept now');
    outcomes[index] = { kind: 'rejected', error: failure };
  }
}

const isConflict = (outcome: IntakeOutcome): boolean =>
  outcome.kind === 'rejected' && outcome.error.code === 'EVENT_ID_CONFLICT';

function refuse(reply: FastifyReply, error: unknown): unknown {
  if (!isProtegoError(error)) throw error;
  if (error.code === 'INTAKE_BUSY' || error.code === 'INTAKE_STOPPED') reply.header('retry-after', RETRY_AFTER_SECONDS);
  reply.status(STATUS_OF[error.code] ?? 400);
  return error.toJSON();
}

// Stops one line after the most that are taken, because a body of nothing but short lines would fill the memory.
function linesOf(body: Buffer, linesMax: number): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < body.length && lines.length <= linesMax;) {
    const newline = body.indexOf(0x0a, start);
    const end = newline < 0 ? body.length : newline;
    const line = body.subarray(start, body[end - 1] === 0x0d ? end - 1 : end);
    if (line.length > 0) lines.push(line);
    start = end + 1;
  }
  return lines;
}
