#!/bin/bash
# Start systemd with the shipped unit over a copy of this machine's files that is gone afterwards.
# Arguments: an empty folder, the checkout, a wheel's venv, the Python it is of, that Python's packages, and the Python
# that runs the trial.
set -euo pipefail

if [ "${GERBANG_TRIAL:-}" != inside ]; then
    # A control group of its own, so that this systemd sees none of the machine's.
    groups=$(findmnt -n -t cgroup2 -o TARGET | head -1)
    own=$groups/gerbang-trial-$$
    mkdir "$own"
    echo $$ > "$own/cgroup.procs"
    leave() {
        echo $$ > "$groups/cgroup.procs"
        find "$own" -depth -type d -exec rmdir {} +
    }
    trap leave EXIT
    GERBANG_TRIAL=inside unshare --pid --fork --kill-child --mount --cgroup --uts --ipc --net bash "$0" "$@"
    exit
fi

work=$1 checkout=$2 venv=$3 python=$4 packages=$5 runner=$6
root=$work/root
mount --make-rprivate /
ip link set lo up
mkdir -p "$root" "$work/over"
mount -t tmpfs tmpfs "$work/over"
mkdir "$work/over/upper" "$work/over/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/over/upper,workdir=$work/over/work" "$root"
cd "$root"
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount --bind "$work" ".$work"
mount --rbind /dev dev
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup

# Nothing of this machine's own is started, and no gate that it may have is seen.
rm -rf etc/gerbang var/lib/gerbang
rm -rf etc/systemd/system/* etc/systemd/system-generators usr/lib/systemd/system-generators \
    usr/lib/systemd/system-environment-generators usr/lib/systemd/system/*.wants
for target in network-online time-sync sysinit basic shutdown; do
    printf '[Unit]\nDefaultDependencies=no\n' > "etc/systemd/system/$target.target"
done

# As deploy/README.md has it.
mkdir -p opt/gerbang opt/python opt/packages etc/sysusers.d etc/tmpfiles.d
mount --bind "$venv" opt/gerbang
mount --bind "$python" opt/python
mount --bind "$packages" opt/packages
cp "$checkout/deploy/systemd/gerbang.service" etc/systemd/system/
cp "$checkout/deploy/systemd/gerbang.sysusers" etc/sysusers.d/gerbang.conf
cp "$checkout/deploy/systemd/gerbang.tmpfiles" etc/tmpfiles.d/gerbang.conf
chroot . systemd-sysusers /etc/sysusers.d/gerbang.conf
chroot . systemd-tmpfiles --create /etc/tmpfiles.d/gerbang.conf

mkdir etc/systemd/system/gerbang.service.d
cat > etc/systemd/system/gerbang.service.d/trial.conf <<CONF
[Unit]
DefaultDependencies=no
[Service]
Environment=LD_LIBRARY_PATH=/opt/python/lib
StandardOutput=append:$work/serve.log
StandardError=append:$work/serve.log
CONF
cat > etc/systemd/system/trial.service <<CONF
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
Environment=PYTHONPATH=$checkout/tests
ExecStart=$runner $checkout/tests/deploy/in_boot.py $work
ExecStopPost=systemctl exit
StandardOutput=append:$work/trial.log
StandardError=append:$work/trial.log
CONF
exec chroot . env container=trial /lib/systemd/systemd --system --unit=trial.service --log-target=console --show-status=no
