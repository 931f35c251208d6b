/** How answers look on the wire (ctrl-api.md §1.1). */

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Success with a document, compact unless it is text already. */
export const document = (body: object | string): Response =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), { status: 200, headers: JSON_TYPE });

/** Plain success. */
export const accepted = (): Response =>
  new Response(null, { status: 200, headers: { ...JSON_TYPE, 'Content-Length': '0' } });

export const failure = (status: number, message: string): Response =>
  new Response(JSON.stringify({ Error: message }), { status, headers: JSON_TYPE });
