// Uploads a file with tus-js-client: usage `with_tus_js.cjs ENDPOINT FILE NAME`, NODE_PATH at its node_modules. Retries are the client's own.
const fs = require("node:fs");
const tus = require("tus-js-client");

const [endpoint, path, name] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  uploadSize: fs.statSync(path).size,
  chunkSize: 64 << 20,
  metadata: { name, filetype: "application/octet-stream" },
  retryDelays: [0, 100, 200, 400, 800, 1600, 3200],
  onError(error) {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess() {
    console.log(upload.url);
  },
});
upload.start();
