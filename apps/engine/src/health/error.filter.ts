import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ProtegoError, isProtegoError, messageOf } from '@protego/contracts';

const PAYLOAD_TOO_LARGE = 413;

/** Turns whatever a request throws into a status and a stable code; the cause of an internal error stays in the log. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  readonly #log = new Logger('http');

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw thrown;
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const [status, body] = this.#answer(thrown);
    void reply.status(status).send(body);
  }

  #answer(thrown: unknown): [number, unknown] {
    if (thrown instanceof HttpException && thrown.getStatus() === PAYLOAD_TOO_LARGE) {
      return [
        PAYLOAD_TOO_LARGE,
        new ProtegoError('EVENT_TOO_LARGE', 'the request body is larger than this server accepts').toJSON(),
      ];
    }
    if (isProtegoError(thrown)) return [thrown.origin === 'caller' ? 400 : 503, thrown.toJSON()];
    if (thrown instanceof HttpException) {
      return [
        thrown.getStatus(),
        new ProtegoError('REQUEST_INVALID', thrown.message.toLowerCase().slice(0, 200)).toJSON(),
      ];
    }
    this.#log.error(messageOf(thrown));
    return [500, new ProtegoError('INTERNAL', 'the request failed').toJSON()];
  }
}
