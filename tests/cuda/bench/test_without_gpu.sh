#!/usr/bin/env bash
# The benchmark on a machine without a GPU, or where none may be used: one line, and the exit status of a failure.
set -u
said=$(CUDA_VISIBLE_DEVICES='' "$1" add 2>&1)
status=$?
if ((status != 1)) || [[ $(wc -l <<<"$said") != 1 || $said != 'rung: bench --gpu: here is no GPU to run on'* ]]; then
  printf 'exit status %s, and it said:\n%s\n' "$status" "$said"
  exit 1
fi
said=$(CUDA_VISIBLE_DEVICES='' "$1" convolution 2>&1)
status=$?
if ((status != 2)) || [[ $said != *'there are add, swiglu, '* ]]; then
  printf 'exit status %s, and it said:\n%s\n' "$status" "$said"
  exit 1
fi
