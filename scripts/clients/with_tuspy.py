"""Uploads a file with tuspy: usage `with_tuspy.py ENDPOINT FILE NAME`. Goes on by itself after every cut."""

import sys
import time

from tusclient import client

endpoint, path, name = sys.argv[1:]
uploader = client.TusClient(endpoint).uploader(
    path, metadata={"name": name}, chunk_size=32 << 20, retries=8, retry_delay=0.2, upload_checksum=True
)
began = time.monotonic()
while uploader.offset < uploader.get_file_size():
    try:
        uploader.upload()
    except Exception as error:  # whatever broke: a client of flesh and blood would try again as well
        if time.monotonic() - began > 90:
            raise
        print(f"tuspy: {type(error).__name__}, asks where it stands", file=sys.stderr)
        time.sleep(0.2)
        uploader.offset = uploader.get_offset()
print(uploader.url)
