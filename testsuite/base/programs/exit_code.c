/* main's value is the simulator's exit code. */
int main(void)
{
    return 42;
}
