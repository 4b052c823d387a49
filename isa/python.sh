#!/bin/sh
# python.sh MODULE ...: prints the first Python interpreter that has all of these modules:
# the one that PYTHON names, Debian's, the one of PATH. Fails if none has.
modules=$(echo "$*" | tr ' ' ,)
for python in "${PYTHON:-}" /usr/bin/python3 python3; do
    if [ -n "$python" ] && "$python" -c "import $modules" 2>/dev/null; then
        echo "$python"
        exit 0
    fi
done
exit 1
