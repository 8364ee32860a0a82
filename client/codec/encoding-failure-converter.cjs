// Puts messages and stack traces of failures into a payload, which the codec then encrypts. A file of its own in CommonJS:
// the SDK takes it by path, in this process and in the bundle of the workflows.
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
