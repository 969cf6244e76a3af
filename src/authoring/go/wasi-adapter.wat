;; Turns what Go's runtime asks of WASI preview 1 into what validators get of WASI 0.2, and nothing else: output, the standing
;; clock, seeded random numbers. There are no arguments, no variables and no files; what waits or exits traps.
;;
;; The well-known adapter allocates memory through the module that it adapts, before Go's runtime is there, or grows memory
;; that Go's runtime believes to be its own. This one allocates nothing: what it needs for a moment lies in the first page,
;; where Go's linker puts nothing, so that a nil pointer points there.
;;
;; Two packages of Go's may ask for one function, the runtime and syscall: repeated-imports.ts names the second `NAME_2`.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $get-stdout (result i32)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $get-stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-stream (param i32)))
  (import "wasi:io/error@0.2.0" "[resource-drop]error" (func $drop-error (param i32)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall-clock (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic-clock (result i64)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))

  ;; Error numbers of preview 1.
  (global $success i32 (i32.const 0))
  (global $badf i32 (i32.const 8))
  (global $inval i32 (i32.const 28))
  ;; Where results lie for a moment: 16 bytes, aligned to 8.
  (global $scratch i32 (i32.const 64))
  ;; Most bytes that one write may have.
  (global $most i32 (i32.const 4096))

  ;; How far the monotonic clock is before the host's, and how far it goes at each look, nanoseconds. The host's stands still,
  ;; and Go's collector divides its work by time: without any it would never be done. The same calls see the same times; the
  ;; time of day stands.
  (global $passed (mut i64) (i64.const 0))
  (global $tick i64 (i64.const 10000))

  ;; No arguments.
  (func (export "args_sizes_get") (export "args_sizes_get_2") (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (global.get $success))
  (func (export "args_get") (export "args_get_2") (param i32 i32) (result i32) (global.get $success))

  ;; Two variables, for Go's runtime: `GOGC=off` and `GOMEMLIMIT=12MiB`, 8 and 16 bytes, and a zero after each. A transaction
  ;; meets memory as it was at the start, so what one call leaves need not be collected, and a collection costs more fuel than
  ;; all else; only a call that needs most of its memory collects.
  (func (export "environ_sizes_get") (export "environ_sizes_get_2") (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 2))
    (i32.store (local.get $size) (i32.const 26))
    (global.get $success))
  (func (export "environ_get") (export "environ_get_2") (param $addresses i32) (param $texts i32) (result i32)
    (i32.store (local.get $addresses) (local.get $texts))
    (i32.store offset=4 (local.get $addresses) (i32.add (local.get $texts) (i32.const 9)))
    (i64.store align=1 (local.get $texts) (i64.const 0x66666f3d43474f47))
    (i32.store8 offset=8 (local.get $texts) (i32.const 0))
    (i64.store offset=9 align=1 (local.get $texts) (i64.const 0x4d494c4d454d4f47))
    (i64.store offset=17 align=1 (local.get $texts) (i64.const 0x42694d32313d5449))
    (i32.store8 offset=25 (local.get $texts) (i32.const 0))
    (global.get $success))

  (func (export "sched_yield") (export "sched_yield_2") (result i32) (global.get $success))
  ;; A panic ends here: it has been printed.
  (func (export "proc_exit") (export "proc_exit_2") (param i32) unreachable)
  ;; Go's collector looks whether something is ready, with a clock that is to wait for nothing: that is ready, and no file is.
  ;; Whoever sleeps traps: the time of day stands, nobody would wake. Subscriptions have 48 bytes, events 32.
  (func (export "poll_oneoff") (export "poll_oneoff_2")
    (param $subscriptions i32) (param $events i32) (param $count i32) (param $happened i32) (result i32)
    (block $found
      (loop $next
        (if (i32.eqz (local.get $count)) (then unreachable))
        (br_if $found
          (i32.and
            (i32.eqz (i32.load8_u offset=8 (local.get $subscriptions)))
            (i32.and
              (i64.eqz (i64.load offset=24 (local.get $subscriptions)))
              (i32.eqz (i32.load16_u offset=40 (local.get $subscriptions))))))
        (local.set $subscriptions (i32.add (local.get $subscriptions) (i32.const 48)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (memory.fill (local.get $events) (i32.const 0) (i32.const 32))
    (i64.store (local.get $events) (i64.load (local.get $subscriptions)))
    (i32.store (local.get $happened) (i32.const 1))
    (global.get $success))

  (func (export "clock_time_get") (export "clock_time_get_2") (param $id i32) (param $precision i64) (param $time i32) (result i32)
    (block $realtime
      (br_if $realtime (i32.eqz (local.get $id)))
      (if (i32.ne (local.get $id) (i32.const 1)) (then (return (global.get $inval))))
      (global.set $passed (i64.add (global.get $passed) (global.get $tick)))
      (i64.store (local.get $time) (i64.add (call $monotonic-clock) (global.get $passed)))
      (return (global.get $success)))
    (call $wall-clock (global.get $scratch))
    (i64.store (local.get $time)
      (i64.add
        (i64.mul (i64.load (global.get $scratch)) (i64.const 1000000000))
        (i64.load32_u offset=8 (global.get $scratch))))
    (global.get $success))

  (func (export "random_get") (export "random_get_2") (param $at i32) (param $size i32) (result i32)
    (local $bits i64)
    (block $whole
      (loop $next
        (br_if $whole (i32.lt_u (local.get $size) (i32.const 8)))
        (i64.store align=1 (local.get $at) (call $random))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $size (i32.sub (local.get $size) (i32.const 8)))
        (br $next)))
    (if (i32.eqz (local.get $size)) (then (return (global.get $success))))
    (local.set $bits (call $random))
    (loop $byte
      (i64.store8 (local.get $at) (local.get $bits))
      (local.set $bits (i64.shr_u (local.get $bits) (i64.const 8)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $size (i32.sub (local.get $size) (i32.const 1)))
      (br_if $byte (local.get $size)))
    (global.get $success))

  ;; Standard output and standard error; there is no other file.
  (func (export "fd_write") (export "fd_write_2") (param $fd i32) (param $parts i32) (param $count i32) (param $written i32) (result i32)
    (local $stream i32) (local $total i32) (local $at i32) (local $left i32) (local $size i32)
    (if (i32.and (i32.ne (local.get $fd) (i32.const 1)) (i32.ne (local.get $fd) (i32.const 2)))
      (then (return (global.get $badf))))
    (local.set $stream
      (if (result i32) (i32.eq (local.get $fd) (i32.const 1))
        (then (call $get-stdout))
        (else (call $get-stderr))))
    (block $end
      (loop $part
        (br_if $end (i32.eqz (local.get $count)))
        (local.set $at (i32.load (local.get $parts)))
        (local.set $left (i32.load offset=4 (local.get $parts)))
        (local.set $total (i32.add (local.get $total) (local.get $left)))
        (block $written-out
          (loop $piece
            (br_if $written-out (i32.eqz (local.get $left)))
            (local.set $size
              (select (global.get $most) (local.get $left)
                (i32.gt_u (local.get $left) (global.get $most))))
            (call $write (local.get $stream) (local.get $at) (local.get $size) (global.get $scratch))
            ;; A write that fails loses its text and nothing else: what a guest prints decides nothing.
            (if (i32.load8_u (global.get $scratch))
              (then
                (if (i32.eqz (i32.load8_u offset=4 (global.get $scratch)))
                  (then (call $drop-error (i32.load offset=8 (global.get $scratch)))))))
            (local.set $at (i32.add (local.get $at) (local.get $size)))
            (local.set $left (i32.sub (local.get $left) (local.get $size)))
            (br $piece)))
        (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $part)))
    (call $drop-stream (local.get $stream))
    (i32.store (local.get $written) (local.get $total))
    (global.get $success))

  ;; Files, folders and sockets: there are none, whatever number one is asked for by. Packages of the standard library ask when
  ;; they start, and take the answer.
  (func (export "fd_advise") (export "fd_advise_2") (param i32 i64 i64 i32) (result i32) (global.get $badf))
  (func (export "fd_allocate") (export "fd_allocate_2") (param i32 i64 i64) (result i32) (global.get $badf))
  (func (export "fd_close") (export "fd_close_2") (param i32) (result i32) (global.get $badf))
  (func (export "fd_datasync") (export "fd_datasync_2") (param i32) (result i32) (global.get $badf))
  (func (export "fd_fdstat_get") (export "fd_fdstat_get_2") (param i32 i32) (result i32) (global.get $badf))
  (func (export "fd_fdstat_set_flags") (export "fd_fdstat_set_flags_2") (param i32 i32) (result i32) (global.get $badf))
  (func (export "fd_fdstat_set_rights") (export "fd_fdstat_set_rights_2") (param i32 i64 i64) (result i32) (global.get $badf))
  (func (export "fd_filestat_get") (export "fd_filestat_get_2") (param i32 i32) (result i32) (global.get $badf))
  (func (export "fd_filestat_set_size") (export "fd_filestat_set_size_2") (param i32 i64) (result i32) (global.get $badf))
  (func (export "fd_filestat_set_times") (export "fd_filestat_set_times_2") (param i32 i64 i64 i32) (result i32) (global.get $badf))
  (func (export "fd_pread") (export "fd_pread_2") (param i32 i32 i32 i64 i32) (result i32) (global.get $badf))
  (func (export "fd_prestat_get") (export "fd_prestat_get_2") (param i32 i32) (result i32) (global.get $badf))
  (func (export "fd_prestat_dir_name") (export "fd_prestat_dir_name_2") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "fd_pwrite") (export "fd_pwrite_2") (param i32 i32 i32 i64 i32) (result i32) (global.get $badf))
  (func (export "fd_read") (export "fd_read_2") (param i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "fd_readdir") (export "fd_readdir_2") (param i32 i32 i32 i64 i32) (result i32) (global.get $badf))
  (func (export "fd_renumber") (export "fd_renumber_2") (param i32 i32) (result i32) (global.get $badf))
  (func (export "fd_seek") (export "fd_seek_2") (param i32 i64 i32 i32) (result i32) (global.get $badf))
  (func (export "fd_sync") (export "fd_sync_2") (param i32) (result i32) (global.get $badf))
  (func (export "fd_tell") (export "fd_tell_2") (param i32 i32) (result i32) (global.get $badf))
  (func (export "path_create_directory") (export "path_create_directory_2") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_filestat_get") (export "path_filestat_get_2") (param i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_filestat_set_times") (export "path_filestat_set_times_2") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (global.get $badf))
  (func (export "path_link") (export "path_link_2") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_open") (export "path_open_2") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (global.get $badf))
  (func (export "path_readlink") (export "path_readlink_2") (param i32 i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_remove_directory") (export "path_remove_directory_2") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_rename") (export "path_rename_2") (param i32 i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_symlink") (export "path_symlink_2") (param i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "path_unlink_file") (export "path_unlink_file_2") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "sock_accept") (export "sock_accept_2") (param i32 i32 i32) (result i32) (global.get $badf))
  (func (export "sock_recv") (export "sock_recv_2") (param i32 i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "sock_send") (export "sock_send_2") (param i32 i32 i32 i32 i32) (result i32) (global.get $badf))
  (func (export "sock_shutdown") (export "sock_shutdown_2") (param i32 i32) (result i32) (global.get $badf)))
