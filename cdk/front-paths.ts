/**
 * The CloudFront Function that gives a Channels path to the WebSocket API, as CloudFront runs it: JavaScript runtime 2.0,
 * on viewer requests. `/ws/chat/lobby/?token=x` becomes `/?token=x&path=/ws/chat/lobby/`, because a WebSocket API has no
 * path below its stage.
 *
 * - API Gateway decodes the value once, so the path's own escapes stay as they are, and what a query would read
 *   otherwise (`+`, `&`, `=`, `;`, a `%` that is none) is escaped.
 * - What the client itself calls `path` is dropped, however it is spelled: only the URL says where a connection leads.
 *   Where there were several, CloudFront looks at `multiValue` alone, so the new value has to be there, too.
 * - All else is passed on: CloudFront hands over names and values undecoded, and sends them on as they are.
 *
 * `local/handshake-url.ts` is the same for the local gateway; a property test holds the two together.
 *
 * Event: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
 */
export const FRONT_PATHS_CODE: string = String.raw`function handler(event) {
  var request = event.request;
  var query = request.querystring;
  var path = request.uri
    .replace(/%(?![0-9A-Fa-f]{2})/g, '%25')
    .replace(/[^A-Za-z0-9._~\/%-]+/g, encodeURIComponent);
  var hadSeveral = query.path && query.path.multiValue;
  Object.keys(query).forEach(function (name) {
    if (decoded(name) === 'path') delete query[name];
  });
  query.path = { value: path };
  if (hadSeveral) query.path.multiValue = [{ value: path }];
  request.uri = '/';
  return request;
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch (error) {
    return name;
  }
}
`
