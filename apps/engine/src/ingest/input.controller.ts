import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { JsMsg } from 'nats';
import { ProtegoError, isProtegoError, parseInputSubject, type ProtegoConfig } from '@protego/contracts';
import { ENGINE_CONFIG } from '../engine.constants';
import { EngineMetrics } from '../health/engine-metrics';
import { DeadLetters } from './dead-letters.service';
import type { RawEvent } from '@protego/enclave';
import { IntakeService, type IntakeOutcome } from './intake.service';
import { INPUT_BATCH_PATTERN, type InputVerdict } from './jetstream-input.strategy';

/** What is known of the messages of a batch, by their place in it. */
interface SortedBatch {
  readonly inputs: { readonly place: number; readonly input: RawEvent }[];
  readonly refusals: { readonly place: number; readonly error: ProtegoError }[];
}

/** Dead letters of one batch on their way to the server at one time. */
const REFUSALS_IN_FLIGHT_MAX = 32;

/** Takes batches of JetStream messages to the intake, and refused ones to the dead-letter stream. */
@Controller()
export class InputController {
  constructor(
    @Inject(ENGINE_CONFIG) private readonly config: ProtegoConfig,
    private readonly deadLetters: DeadLetters,
    private readonly intake: IntakeService,
    private readonly metrics: EngineMetrics,
  ) {}

  /** One verdict a message: acknowledged when it is durable, known, or stored with the reason why it was refused. */
  @MessagePattern(INPUT_BATCH_PATTERN)
  async takeBatch(@Payload() messages: readonly JsMsg[]): Promise<InputVerdict[]> {
    try {
      return await this.#verdictsOn(messages);
    } finally {
      // What patients' fields were in them is in the enclave now; what is delivered again comes anew.
      for (const { data } of messages) data.fill(0);
    }
  }

  async #verdictsOn(messages: readonly JsMsg[]): Promise<InputVerdict[]> {
    const verdicts = new Array<InputVerdict>(messages.length).fill('redeliver');
    const { inputs, refusals } = this.#sort(messages);
    const outcomes = await this.intake.acceptInTurn(inputs.map(({ input }) => input));
    inputs.forEach(({ place }, i) => {
      const outcome = outcomes[i] as IntakeOutcome;
      if (outcome.kind !== 'rejected') verdicts[place] = 'acknowledge';
      // What our side lacks, such as room in the vault, is no fault of the message: it comes again.
      else if (outcome.error.origin !== 'environment') refusals.push({ place, error: outcome.error });
    });
    for (let at = 0; at < refusals.length; at += REFUSALS_IN_FLIGHT_MAX) {
      await Promise.all(
        refusals.slice(at, at + REFUSALS_IN_FLIGHT_MAX).map(async ({ place, error }) => {
          if (await this.#keepRefused(messages[place] as JsMsg, error)) verdicts[place] = 'acknowledge';
        }),
      );
    }
    return verdicts;
  }

  #sort(messages: readonly JsMsg[]): SortedBatch {
    const batch: SortedBatch = { inputs: [], refusals: [] };
    messages.forEach((message, place) => {
      try {
        batch.inputs.push({ place, input: this.#inputOf(message) });
      } catch (error) {
        if (!isProtegoError(error)) throw error;
        this.metrics.rejected.inc({ code: error.code });
        batch.refusals.push({ place, error });
      }
    });
    return batch;
  }

  #inputOf({ subject, data }: JsMsg): RawEvent {
    const { site, family, source } = parseInputSubject(subject);
    if (site !== this.config.site) {
      throw new ProtegoError('EVENT_SITE_FOREIGN', `subject names site \`${site}\``, { site: this.config.site });
    }
    return { bytes: data, source, family };
  }

  /** True once the message and its reason are stored; one that could not be stored will be delivered again. */
  #keepRefused({ subject, data, seq, info }: JsMsg, error: ProtegoError): Promise<boolean> {
    return this.deadLetters.keep({ subject, id: `${info.stream}-${seq}`, bytes: data, error });
  }
}

/** Outcome as it crosses the border: a seq, a duplicate, or a code. */
export function outcomeToJson(outcome: IntakeOutcome): Record<string, unknown> {
  if (outcome.kind === 'rejected') return { ...outcome.error.toJSON() };
  return outcome.kind === 'appended' ? { id: outcome.id, seq: outcome.seq } : { id: outcome.id, duplicate: true };
}
